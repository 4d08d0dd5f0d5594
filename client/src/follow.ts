import type { Batch, Seen } from './changes.js'
import { courseOf, type Course, type FollowOptions } from './course.js'
import { pages } from './pages.js'
import { pause } from './pause.js'
import { stream } from './stream.js'

/** Follows the tasks of somebody, from a position or from nothing. */
export type Follower = ReturnType<typeof follower>

/** Asks every few seconds for a while, where no stream gets through. */
async function * poll (course: Course): AsyncGenerator<Batch, void> {
  const { timing, signal } = course
  for (const end = timing.now() + timing.polls; timing.now() < end;) {
    course.hasFailed = false
    course.be('polling')
    yield * pages(course)
    // What was in the way was the network, then.
    if (course.hasFailed) return
    await pause(timing.poll * (0.75 + Math.random() / 2), signal)
  }
}

/** @returns what has been seen, and the ways to see more: each an iterator of what comes */
export function follower (options: FollowOptions) {
  const course = courseOf(options)

  return {
    pages: () => pages(course),
    be: course.be,

    /**
     * Takes what another tab has seen.
     * @returns what of it is new here; null when something is missing before it
     */
    take ({ state, from, changes, ids }: Seen): Batch | null {
      const at = [from, ...ids].indexOf(course.position!)
      if (at === -1) return null
      course.position = ids.at(-1) ?? from
      if (state) course.be(state)
      return { changes: changes.slice(at), position: course.position, reset: false, hasMore: false }
    },

    /** All that comes, for ever, once all pages have come. */
    async * forever (): AsyncGenerator<Batch, never> {
      for (;;) {
        const { retry, isBroken, isKeptBack, isReset } = yield * stream(course)
        if (isReset) {
          course.position = undefined
          yield * pages(course)
        } else if (isKeptBack) yield * poll(course)
        else {
          if (isBroken) course.be('offline')
          await course.rest(retry)
        }
      }
    }
  }
}

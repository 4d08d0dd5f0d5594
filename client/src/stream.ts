import type { Batch, Change, Seen } from './changes.js'
import { isLasting, waitOf, type Course } from './course.js'
import { eventsOf } from './events.js'
import { linked } from './pause.js'
import { TodoApiError } from './result.js'

/** How a stream has ended: when to come again, if it said so; it broke; none gets through; all has to be fetched anew. */
export interface End { retry?: number | undefined, isBroken?: boolean, isKeptBack?: boolean, isReset?: boolean }

/** What comes as a stream, until that ends. */
export async function * stream (course: Course): AsyncGenerator<Batch, End> {
  const { api, signal, timing } = course
  const { now } = timing
  const link = linked(signal)
  const begun = now()
  let heard = begun
  let isReady = false
  let retry: number | undefined
  let isBroken = false
  // By the clock, because timers stand still while a computer sleeps.
  const timer = setInterval(() => {
    if (now() - heard > (isReady ? timing.silence : timing.ready)) link.abort()
  }, timing.tick)
  try {
    const { data: body, error, response } = await api.GET('/api/tasks/events', {
      params: { header: { 'Last-Event-ID': course.position! } }, parseAs: 'stream', signal: link.signal
    })
    if (response.status === 429) return { isKeptBack: true }
    if (!body || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
      throw new TodoApiError({ status: response.status, body: error, response })
    }
    for await (const read of eventsOf(body)) {
      retry = read.retry ?? retry
      const seen: Seen = { state: course.state, from: course.position!, changes: [], ids: [] }
      for (const { event, id, data } of read.events) {
        if (event === 'ready') {
          isReady = true
          course.be(seen.state = 'live')
        } else if (event === 'task' || event === 'deleted') {
          seen.changes.push({ [event]: JSON.parse(data) as unknown } as Change)
          seen.ids.push(id!)
        } else if (event === 'reset') return { isReset: true }
      }
      course.position = seen.ids.at(-1) ?? course.position
      course.see(seen)
      // However long that takes, it is not the stream that is silent.
      heard = Infinity
      if (seen.changes.length > 0) yield { changes: seen.changes, position: course.position!, reset: false, hasMore: false }
      heard = now()
    }
  } catch (error) {
    signal.throwIfAborted()
    if (isLasting(error)) throw error
    if (!isReady && link.signal.aborted) return { isKeptBack: true }
    retry ??= waitOf(error)
    isBroken = true
  } finally {
    clearInterval(timer)
    link.abort()
    link.unlink()
  }
  // One that ends as soon as it has begun is no better than one that does not begin.
  if (isReady && now() - begun > timing.ready) course.failures = 0
  return { retry, isBroken }
}

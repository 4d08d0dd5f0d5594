import { setTimeout as sleep } from 'node:timers/promises'
import type { Task } from '../../../src/schemas/tasks.js'
import type { ChangesPage } from '../../../src/schemas/sync.js'
import { eventsOf } from './events.js'
import { Keeper, asleep, type Account } from './keeper.js'

/** Changes of a page: few, so that a walk and its tokens are tried as well. */
const LIMIT = 7

/** Milliseconds before somebody comes again who was cut off. */
const pause = () => 50 + Math.random() * 400

/**
 * A client that has exactly the tasks of somebody: it asks for all changes, follows the stream, and comes again whenever that
 * ends, as docs/sync.md tells it to: with the last id, or by way of the pages. Now and then it sleeps.
 */
export function follow (base: string, { id: owner, token }: Account): Keeper {
  const keeper = new Keeper(owner)

  async function ask (path: string, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response> {
    return await fetch(`${base}/api/tasks/${path}`, { headers: { authorization: `Bearer ${token}`, ...headers }, signal: signal ?? null })
  }

  /** All pages after what has been seen. */
  async function catchUp (): Promise<void> {
    for (let hasMore = true; hasMore;) {
      const answer = await ask(`changes?limit=${LIMIT}${keeper.position ? `&since=${keeper.position}` : ''}`)
      if (answer.status === 410) return keeper.forget()
      if (!answer.ok) throw new Error(`${answer.status}`)
      const { changes, next, has_more: more } = await answer.json() as ChangesPage
      for (const change of changes) keeper.apply(change)
      keeper.advance(next, false)
      hasMore = more
    }
  }

  async function stream (position: string, signal: AbortSignal): Promise<void> {
    const answer = await ask('events', { 'last-event-id': position }, signal)
    if (!answer.ok) throw new Error(`${answer.status}`)
    for await (const { event, id, data } of eventsOf(answer.body!)) {
      if (event === 'reset' || event === 'unauthenticated') return keeper.forget()
      if (event === 'ready') continue
      keeper.apply(event === 'task' ? { task: data as Task } : { deleted: data as { id: string } })
      keeper.advance(id!, true)
    }
  }

  async function live (): Promise<never> {
    for (let hasAll = false; ;) {
      const signal = keeper.awake()
      try {
        keeper.come()
        if (!hasAll || Math.random() < 0.5) {
          hasAll = false
          await catchUp()
          hasAll = keeper.position !== undefined
        }
        if (keeper.position !== undefined) await stream(keeper.position, signal)
        hasAll &&= keeper.position !== undefined
      } catch {
        // Refused, or cut off: it comes again.
      }
      await sleep(signal.aborted ? asleep() : pause())
    }
  }

  void live()
  return keeper
}

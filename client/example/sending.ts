import type { Failure, Task } from 'todo-backend-client'
import { isAsWanted, type Change, type Read } from './changes.js'
import { todo } from './session.js'

/** What became of a change that was sent. Without an answer, or with one that says "later", there is none. */
export type Sent =
  | { is: 'done', now?: Read }
  | { is: 'conflict', now: Read }
  | { is: 'gone' }
  | { is: 'failed', failure: Failure }

interface Answer { body: Task, response: Response }

const readFrom = ({ body, response }: Answer): Read => ({ task: body, tag: response.headers.get('ETag')! })

/** Milliseconds after which there is no answer. */
const PATIENCE = 20_000

/**
 * Sends a change. It overwrites no state of the task but the one that the person has seen: lists do not tell the tags of their
 * tasks, so where no answer has told it the task is read before. Sent again after a lost answer, it is done once.
 * @param ended aborts it
 * @throws the error of `fetch` when there is no answer
 */
export async function send (change: Change, ended: AbortSignal): Promise<Sent> {
  const { id } = change
  const signal = AbortSignal.any([ended, AbortSignal.timeout(PATIENCE)])
  if (change.kind === 'create') {
    const result = await todo.tasks.create(change.content, { idempotencyKey: id, signal })
    return result.ok ? { is: 'done', now: readFrom(result) } : { is: 'failed', failure: result }
  }
  let ifMatch = change.tag
  if (ifMatch === undefined) {
    const now = await todo.tasks.get(id, { signal })
    if (!now.ok) return now.status === 404 ? absent(change) : { is: 'failed', failure: now }
    if (now.body.updated_at !== change.seen.updated_at) return compare(change, now)
    ifMatch = readFrom(now).tag
  }
  const result = change.kind === 'patch'
    ? await todo.tasks.patch(id, change.patch, { ifMatch, signal })
    : await todo.tasks.remove(id, { ifMatch, signal })
  if (result.ok) return result.status === 204 ? { is: 'done' } : { is: 'done', now: readFrom(result) }
  if (result.status === 404) return absent(change)
  if (result.status !== 412) return { is: 'failed', failure: result }
  const now = await todo.tasks.get(id, { signal })
  if (now.ok) return compare(change, now)
  return now.status === 404 ? absent(change) : { is: 'failed', failure: now }
}

/** A task that is not there any more is what somebody wanted who has deleted it. */
const absent = ({ kind }: Change): Sent => ({ is: kind === 'remove' ? 'done' : 'gone' })

/** The task has another state than the one that was seen. That may be by this very change, whose answer was lost. */
function compare (change: Change, now: Answer): Sent {
  const isDone = change.kind === 'patch' && isAsWanted(now.body, change.patch)
  return { is: isDone ? 'done' : 'conflict', now: readFrom(now) }
}

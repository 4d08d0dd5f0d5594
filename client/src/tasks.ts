import { backoff, pause } from './pause.js'
import { TodoApiError, unwrap, type Result } from './result.js'
import type { components, operations } from './schema.js'
import type { RequestSettings, Send } from './send.js'

type Schemas = components['schemas']
export type Task = Schemas['Task']
export type TaskCreate = Schemas['TaskCreate']
export type TaskUpdate = Schemas['TaskUpdate']
export type TaskPatch = Schemas['TaskPatch']
export type TaskPage = Schemas['TaskPage']
export type TaskQuery = NonNullable<operations['listTasks']['parameters']['query']>

/** Settings of a request that creates a task. */
export interface CreateSettings extends RequestSettings {
  /**
   * A new text for each task: with it the request can be sent again, and there is one task. The client makes one by itself;
   * whoever sends it again later, or after a reload, keeps one of their own.
   */
  idempotencyKey?: string
}

/** Settings of a request that changes or deletes a task. */
export interface WriteSettings extends RequestSettings {
  /** The `ETag` of the task as it was read: when it is another one by now, nothing is done, and the answer is 412. */
  ifMatch?: string
}

/** Which tasks a walk returns, in which order, and how many each request asks for. */
export type WalkQuery = Omit<TaskQuery, 'cursor' | 'offset'>

/** The tasks of whoever the requests are sent for. */
export function tasksOf (send: Send) {
  async function list (query: TaskQuery = {}, settings?: RequestSettings): Promise<Result<'listTasks'>> {
    return send('get', '/api/tasks', { params: { query }, ...settings })
  }

  /** @throws TodoApiError for every answer but 200 */
  async function * walk (query: WalkQuery = {}, settings?: RequestSettings): AsyncGenerator<Task, void, undefined> {
    let cursor: string | null = null
    do {
      const page: TaskPage = await unwrap(list({ ...query, ...(cursor !== null && { cursor }) }, settings))
      yield * page.tasks
      cursor = page.next_cursor
    } while (cursor !== null)
  }

  return {
    /** A page, newest first or as `sort` says: by `offset`, with the total; or by the `cursor` of the page before. */
    list,

    /** Sent again a few times when there is no answer: it is one task all the same. */
    async create (body: TaskCreate, { idempotencyKey = newKey(), ...settings }: CreateSettings = {}): Promise<Result<'createTask'>> {
      const params = { header: { 'Idempotency-Key': idempotencyKey } }
      return again(async () => send('post', '/api/tasks', { params, body, ...settings }), settings.signal)
    },

    async get (id: string, settings?: RequestSettings): Promise<Result<'getTask'>> {
      return send('get', '/api/tasks/{task_id}', { ...at(id), ...settings })
    },

    /** The whole new content: without a description it becomes null. A due date that is absent stays. */
    async update (id: string, body: TaskUpdate, settings?: WriteSettings): Promise<Result<'updateTask'>> {
      return send('put', '/api/tasks/{task_id}', { body, ...stateOf(id, settings) })
    },

    /** What changes: what is absent stays, and null clears. */
    async patch (id: string, body: TaskPatch, settings?: WriteSettings): Promise<Result<'patchTask'>> {
      return send('patch', '/api/tasks/{task_id}', { body, ...stateOf(id, settings) })
    },

    /** Done, or with `false` open again. */
    async complete (id: string, isCompleted = true, settings?: WriteSettings): Promise<Result<'completeTask'>> {
      return send('patch', '/api/tasks/{task_id}/complete', { body: { is_completed: isCompleted }, ...stateOf(id, settings) })
    },

    async remove (id: string, settings?: WriteSettings): Promise<Result<'deleteTask'>> {
      return send('delete', '/api/tasks/{task_id}', stateOf(id, settings))
    },

    /** All tasks of a query, page by page as the loop goes on: each that exists throughout exactly once. */
    walk
  }
}

/** How often a request is sent again: within some four seconds. */
const REPEATS = 3

/** Sends a request until it has an answer. @throws what the last try failed with, or the reason of the signal */
async function again<T> (request: () => Promise<T>, signal: RequestSettings['signal']): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await request()
    } catch (error) {
      if (failures === REPEATS || signal?.aborted || !isLost(error)) throw error
      await pause(backoff(failures), signal)
    }
  }
}

/** Whether nobody knows what became of a request: there was no answer, or one of a proxy that had none. */
const isLost = (error: unknown) => !(error instanceof TodoApiError) || [502, 504].includes(error.status)

/** Not `randomUUID`, which pages from http have not. */
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')

const at = (id: string) => ({ params: { path: { task_id: id } } })

/** A task, in any state or in the one that `ifMatch` names. */
const stateOf = (id: string, { ifMatch, ...settings }: WriteSettings = {}) =>
  ({ params: { path: { task_id: id }, ...(ifMatch !== undefined && { header: { 'If-Match': ifMatch } }) }, ...settings })

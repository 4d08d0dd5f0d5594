import { addDeletable, emailOf, MADE, PASSWORD, taskId } from './data.js'
import type { Sql } from 'postgres'

/** One request of a measurement. */
export interface Request {
  method: string
  path: string
  /** Whose token it carries; none when absent. */
  user?: number
  body?: object
}

/** What an answer has to be; anything else counts as an error. */
export interface Expected {
  status: number
  /** What its text has to contain. */
  text: string
  /** How long it is at least. */
  bytes: number
}

/** What the requests of a measurement are made from. */
export interface Context {
  sql: Sql
  /** Asks the server that is about to be measured. */
  get: (path: string, user: number) => Promise<{ next_cursor: string }>
  /** How long the measurement will last. */
  seconds: number
}

/** Something to measure. */
export interface Endpoint {
  name: string
  expected: Expected
  requests: (context: Context) => Promise<Request[]> | Request[]
  /** It changes the data, so that something has to be tidied up. */
  writes?: true
}

// Requests are spread over 100 users, as a front end's are; each kind of write has users of its own, so that the lists
// that are read stay as they are.
const readers = range(0, 100)
const writers = range(100, 100)
const creators = range(200, 100)
const deleters = range(300, 100)
const HOT = 400

/** More deletions than any server here does in a second. */
const DELETIONS_PER_SECOND = 15_000

const aPage: Expected = { status: 200, text: '"next_cursor":"', bytes: 50 * 200 }
const aTask: Expected = { status: 200, text: '"user_id":"00000000-0000-7000-8000-', bytes: 200 }

const content = { title: MADE, description: 'The one from last time; ask about the guarantee before he starts, and for a bill' }

/** Every task once done and then open again, so that each completion changes something. */
const flips = (users: number[]): Request[] => [true, false].flatMap((done) => spread(users, 100).map(([user, n]) =>
  ({ method: 'PATCH', path: `/api/tasks/${taskId(user, n)}/complete`, user, body: { is_completed: done } })))

const creations = (users: number[]): Request[] => users.map((user) => ({ method: 'POST', path: '/api/tasks', user, body: content }))

export const endpoints: Endpoint[] = [
  {
    name: 'list',
    expected: { ...aPage, text: '"total":1000' },
    requests: () => readers.map((user) => ({ method: 'GET', path: '/api/tasks?limit=50', user }))
  },
  {
    name: 'cursor',
    expected: aPage,
    requests: async ({ get }) => Promise.all(readers.map(async (user) => {
      const { next_cursor: cursor } = await get('/api/tasks?limit=50', user)
      return { method: 'GET', path: `/api/tasks?limit=50&cursor=${cursor}`, user }
    }))
  },
  {
    name: 'get',
    expected: aTask,
    requests: () => spread(readers, 100).map(([user, n]) => ({ method: 'GET', path: `/api/tasks/${taskId(user, n)}`, user }))
  },
  { name: 'create', writes: true, expected: { ...aTask, status: 201 }, requests: () => creations(creators) },
  {
    name: 'update',
    writes: true,
    expected: { ...aTask, text: '"title":"Call again"' },
    requests: () => spread(writers, 100).map(([user, n]) =>
      ({ method: 'PUT', path: `/api/tasks/${taskId(user, n)}`, user, body: { ...content, title: 'Call again' } }))
  },
  { name: 'complete', writes: true, expected: aTask, requests: () => flips(writers) },
  {
    name: 'delete',
    writes: true,
    expected: { status: 204, text: '', bytes: 0 },
    async requests ({ sql, seconds }) {
      const each = Math.ceil(seconds * DELETIONS_PER_SECOND / deleters.length)
      await addDeletable(sql, [deleters[0]!, deleters.at(-1)!], 1_000_001, each)
      return spread(deleters, each).map(([user, n]) => ({ method: 'DELETE', path: `/api/tasks/${taskId(user, n + 1_000_000)}`, user }))
    }
  },
  {
    name: 'login',
    expected: { status: 200, text: '"access_token":"', bytes: 200 },
    requests: () => readers.map((user) => ({ method: 'POST', path: '/api/auth/login', body: { email: emailOf(user), password: PASSWORD } }))
  },
  { name: 'create one user', writes: true, expected: { ...aTask, status: 201 }, requests: () => creations([HOT]) },
  { name: 'complete one user', writes: true, expected: aTask, requests: () => flips([HOT]) }
]

function range (from: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => from + n)
}

/** Every user's tasks 1 to `each`, user after user in turn. */
function spread (users: number[], each: number): Array<[user: number, n: number]> {
  return range(1, each).flatMap((n) => users.map((user): [number, number] => [user, n]))
}

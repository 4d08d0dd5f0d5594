import type { Task, TaskPage } from '../../src/schemas/tasks.js'
import type { Answer, Person } from '../helper.js'

/** The two places of the task routes. `of` is the path of somebody's list there. */
export const mounts = [
  { mount: '/api/tasks', of: () => '/api/tasks' },
  { mount: '/api/{user_id}/tasks', of: ({ id }: { id: string }) => `/api/${id}/tasks` }
]

/** The order of every list. The texts sort as the times and the ids do. */
export const newestFirst = (tasks: Task[]): Task[] =>
  [...tasks].sort((a, b) => (a.created_at + a.id < b.created_at + b.id ? 1 : -1))

/** A list's path with a query. */
export const withQuery = (path: string, query: Record<string, unknown>): string =>
  `${path}?${new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])).toString()}`

/** Pages after one another at most: a walk that never ends fails instead. */
export const MANY = 200

/**
 * Walks a list by cursor, from its first page to its last.
 * @returns the answers
 */
export async function walk (person: Person, path: string, query: Record<string, unknown> = {}): Promise<Answer[]> {
  const answers: Answer[] = []
  let cursor: object = {}
  for (let pages = 0; pages < MANY; pages++) {
    const answer = await person.call('GET', withQuery(path, { ...query, ...cursor }))
    if (answer.status !== 200) throw new Error(`a page of the walk is ${answer.status}: ${answer.text}`)
    answers.push(answer)
    const { next_cursor: next } = answer.body as TaskPage
    if (next === null) return answers
    cursor = { cursor: next }
  }
  throw new Error(`the walk has not ended after ${MANY} pages`)
}

/** All tasks of some pages, in their order. */
export const tasksIn = (pages: Answer[]): Task[] => pages.flatMap(({ body }) => (body as TaskPage).tasks)

/** What is compared of a 422: where, and which rule. */
export const issues = ({ body }: Answer): Array<{ loc: string[], type: string }> =>
  (body.detail as Array<{ loc: string[], type: string }>).map(({ loc, type }) => ({ loc, type }))

import type { Task, TaskPage } from '../../src/schemas/tasks.js'
import type { Person } from '../helper.js'
import { newestFirst, withQuery } from './tasks.js'

type SignUp = (name: string) => Promise<Person>

/** Somebody with tasks, every third of them done. @returns the tasks in the order of a list */
export async function withTasks (signUp: SignUp, name: string, count: number): Promise<{ person: Person, tasks: Task[] }> {
  const person = await signUp(name)
  const tasks: Task[] = []
  for (let i = 0; i < count; i++) {
    const task = await person.add(`${name} ${i}`)
    tasks.push(i % 3 ? task : (await person.call('PATCH', `/api/tasks/${task.id}/complete`)).body)
  }
  return { person, tasks: newestFirst(tasks) }
}

/** Each filter, and what it lets through. */
export const filtersOf = (tasks: Task[]): Array<[object, Task[]]> => [
  [{}, tasks],
  [{ is_completed: true }, tasks.filter((task) => task.is_completed)],
  [{ is_completed: false }, tasks.filter((task) => !task.is_completed)]
]

export const firstPage = async (person: Person, query: object): Promise<TaskPage> =>
  (await person.call('GET', withQuery('/api/tasks', { ...query }))).body

/** A cursor in the middle of a list. */
export const cursorIn = async (person: Person, query: object): Promise<string> =>
  (await firstPage(person, { limit: 2, ...query })).next_cursor!

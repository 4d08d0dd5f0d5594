import type { Task } from '../../src/schemas/tasks.js'
import type { Person } from '../helper.js'
import { newestFirst } from './tasks.js'

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

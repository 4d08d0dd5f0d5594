import type { Passwords } from '../accounts/passwords.js'
import type { Database } from '../db/database.js'
import { makeOlder } from '../repositories/demo.js'
import { tasksOf } from '../repositories/owned-tasks.js'
import { usersIn } from '../repositories/users.js'
import type { Task } from '../schemas/tasks.js'
import { DAY, demoTasks } from './demo-tasks.js'

/** Everybody may know it: it is for trying out, and the program refuses in production. */
export const DEMO = { email: 'demo@example.com', password: 'correct horse battery staple', name: 'Demo' }

/** How many tasks it has. */
const TASKS = 200

/** A seed waits for no client. */
const NO_CLIENT = { destroyed: false }

/** What a seed has found and done. */
export interface Seeded { created: number, total: number, passwordFits: boolean }

/**
 * Makes the demo account and its tasks, or what is missing of them. Each task has a key of its own, so that a seed that was
 * broken off goes on, and two at once make each task once; where there are as many as there should be, none is made again.
 * @param onProgress called four times with the number of tasks
 * @throws as `Database.run`
 */
export async function seed (
  db: Database, passwords: Passwords, onProgress: (done: number, of: number) => void, count = TASKS
): Promise<Seeded> {
  const account = await demoAccount(db, passwords)
  const tasks = tasksOf(db, account.user.id)
  const before = (await tasks.list(1, 0))!.total
  let created = 0
  if (before < count) {
    for (const [i, { done, daysOld, ...content }] of demoTasks(count, Date.now()).entries()) {
      const made = await tasks.createOnce(`demo-${i}`, content)
      if (made && made !== 'another' && !made.replayed) {
        created++
        await finish(db, made.task, done, daysOld)
      }
      if ((i + 1) % (count / 4) === 0) onProgress(i + 1, count)
    }
  }
  const { total } = (await tasks.list(1, 0))!
  return { created, total, passwordFits: await passwords.verify(account.hash, DEMO.password, NO_CLIENT) }
}

/** The account, with an email that counts as confirmed. */
async function demoAccount (db: Database, passwords: Passwords) {
  const users = usersIn(db)
  const found = await users.findLogin(DEMO.email)
  if (found) return found
  // Null when another seed is a moment ahead.
  const user = await users.create({ email: DEMO.email, name: DEMO.name, hash: await passwords.hash(DEMO.password, NO_CLIENT) })
  if (user) await users.confirmEmail(user.id, { from: DEMO.email, email: DEMO.email, version: null })
  return (await users.findLogin(DEMO.email))!
}

/** The patch comes last, so that open streams see the new age with it. */
async function finish (db: Database, task: Task, done: boolean, daysOld: number): Promise<void> {
  const { id, user_id: owner, created_at: now } = task
  if (daysOld > 0) await makeOlder(db, owner, id, new Date(Date.parse(now) - daysOld * DAY).toISOString())
  if (daysOld > 0 || done) await tasksOf(db, owner).patch(id, { completed: done })
}

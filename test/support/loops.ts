import { setTimeout as sleep } from 'node:timers/promises'
import type { Task, TaskPage } from '../../src/schemas/tasks.js'

/** Somebody with an account. */
interface Owner { id: string, email: string, token: string }

interface Answer { status: number, body: any }

type Call = (method: string, path: string, options: { token: string, body?: unknown }) => Promise<Answer>

/** One answer of a loop. */
export interface Seen {
  what: string
  status: number
  /** When it was asked, as performance.now() tells, and for how long. */
  at: number
  ms: number
  /** What is wrong with it: it holds what is not the asker's or not what was written, or is neither a success nor a 503. */
  wrong?: string | undefined
}

export interface Loops {
  seen: Seen[]
  /** What was acknowledged of tasks that are still there, by their ids. */
  kept: Map<string, Kept>
  /** @throws what a request failed with */
  stop: () => Promise<Seen[]>
}

export interface Kept { title: string, is_completed: boolean }

/** Milliseconds between a 503 and the next request of the same loop. */
const PAUSE = 25

/** Of so many tasks of a loop one is kept. */
const KEEP = 10

/** A description that fills PostgreSQL's output buffer soon, so that an error can come in the middle of rows. */
const LONG = 'ü'.repeat(900)

/** Begins loops of people, several of each, who look at everything that they are told. */
export function startLoops (call: Call, people: Owner[], loopsEach = 3): Loops {
  const seen: Seen[] = []
  const kept: Loops['kept'] = new Map()
  const state = { isGoing: true }
  const all = Promise.all(people.flatMap((person) => Array.from({ length: loopsEach }, async () => {
    for (let cycle = 0; state.isGoing; cycle++) await go(person, cycle)
  })))

  /** @param fits whether a success is right. @returns the answer, when it is a success */
  async function ask (
    person: Owner, what: string, method: string, path: string, body: object | undefined, fits: (body: any) => boolean
  ): Promise<unknown> {
    const at = performance.now()
    const { status, body: answer } = await call(method, path, { token: person.token, ...(body && { body }) })
    const isRight = status < 300 ? fits(answer) : status === 503
    const wrong = isRight ? undefined : `${what} is ${status}: ${JSON.stringify(answer)?.slice(0, 300)}`
    seen.push({ what, status, at, ms: performance.now() - at, wrong })
    if (status === 503) await sleep(PAUSE)
    return status < 300 ? answer : undefined
  }

  async function go (person: Owner, cycle: number): Promise<void> {
    const { id: owner, email } = person
    const title = `${email} ${cycle} ${Math.random()}`
    const isMine = (task: Task) => task.user_id === owner && task.title.startsWith(email)
    await ask(person, 'me', 'GET', '/api/auth/me', undefined, (me) => me.id === owner && me.email === email)
    const task = await ask(person, 'create', 'POST', '/api/tasks', { title, description: LONG },
      (task: Task) => isMine(task) && task.title === title && !task.is_completed) as Task | undefined
    if (!task) return
    const isThis = (title: string, done: boolean) => (found: Task) =>
      isMine(found) && found.id === task.id && found.title === title && found.is_completed === done
    const path = `/api/tasks/${task.id}`
    const done = cycle % 2 === 0
    const completed = await ask(person, 'complete', 'PATCH', `${path}/complete`, { is_completed: done }, isThis(title, done))
    await ask(person, 'list', 'GET', '/api/tasks?limit=20', undefined, ({ tasks }: TaskPage) => tasks.every(isMine))
    await ask(person, 'list of done', 'GET', `/api/tasks?limit=20&is_completed=${done}`, undefined,
      ({ tasks }: TaskPage) => tasks.every((one) => isMine(one) && one.is_completed === done))
    // After a 503 it is unknown what is stored.
    if (!completed) return
    await ask(person, 'read', 'GET', path, undefined, isThis(title, done))
    const next = `${title} again`
    const updated = await ask(person, 'update', 'PUT', path, { title: next, description: LONG }, isThis(next, done))
    if (!updated) return
    if (cycle % KEEP === 0) kept.set(task.id, { title: next, is_completed: done })
    else await ask(person, 'remove', 'DELETE', path, undefined, () => true)
  }

  return {
    seen,
    kept,
    async stop () {
      state.isGoing = false
      await all
      return seen
    }
  }
}

/** How many kept tasks are not stored as they were acknowledged. */
export function wronglyStored (kept: Loops['kept'], stored: Array<{ id: string } & Kept>): number {
  const byId = new Map(stored.map((task) => [task.id, task]))
  return [...kept].filter(([id, { title, is_completed: done }]) => {
    const task = byId.get(id)
    return task?.title !== title || task.is_completed !== done
  }).length
}

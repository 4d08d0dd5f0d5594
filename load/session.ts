import { randomUUID } from 'node:crypto'
import type { Request } from 'autocannon'
import type { LoginAnswer } from '../src/schemas/auth.js'
import type { Task, TaskPage } from '../src/schemas/tasks.js'

const PASSWORD = 'correct horse battery staple'

const JSON_TYPE = { 'content-type': 'application/json' }

/** Somebody who uses the service: the header that says who. */
export interface Person { authorization: string }

async function post (url: string, body: object): Promise<unknown> {
  const answer = await fetch(url, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) })
  if (answer.ok) return await answer.json()
  const hint = answer.status === 429 ? ': start the server with RATE_LIMIT=off' : ''
  throw new Error(`${url} answers ${answer.status}${hint}`)
}

/**
 * Signs people up and logs them in.
 * @param atOnce how many at a time: more than the server hashes only wait, and on a slow machine are refused
 */
export async function begin (base: string, count: number, atOnce: number): Promise<Person[]> {
  const people: Person[] = []
  const some = Array.from({ length: atOnce }, async (_, worker) => {
    for (let n = worker; n < count; n += atOnce) {
      const account = { email: `load-${randomUUID()}@example.com`, password: PASSWORD }
      await post(`${base}/api/auth/signup`, { ...account, name: 'Load test' })
      const { access_token: token } = await post(`${base}/api/auth/login`, account) as LoginAnswer
      people[n] = { authorization: `Bearer ${token}` }
    }
  })
  await Promise.all(some)
  return people
}

/** Deletes everybody's tasks: what was open when the time was up. */
export async function tidyUp (base: string, people: Person[]): Promise<void> {
  await Promise.all(people.map(async (headers) => {
    for (;;) {
      const answer = await fetch(`${base}/api/tasks?limit=100`, { headers: { ...headers } })
      if (!answer.ok) throw new Error(`Tasks are left over: the list answers ${answer.status}`)
      const { tasks } = await answer.json() as TaskPage
      if (tasks.length === 0) return
      for (const { id } of tasks) await fetch(`${base}/api/tasks/${id}`, { method: 'DELETE', headers: { ...headers } })
    }
  }))
}

const TEXTS = ['id', 'title', 'user_id', 'created_at', 'updated_at'] as const

const isTask = (task: Task) => TEXTS.every((name) => typeof task[name] === 'string') && typeof task.is_completed === 'boolean'

const isPage = ({ tasks, limit, next_cursor: next }: TaskPage) =>
  tasks.every(isTask) && tasks.length <= limit && next !== undefined

/** What is remembered from one request of a session to the next. */
interface Memory { id?: string, next?: string | null }

interface Step {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: (memory: Memory) => string
  body?: object
  status: number
  /** Whether the answer is right; it may remember something of it. */
  check: (body: never, memory: Memory) => boolean
}

const list: Step = {
  method: 'GET',
  path: () => '/api/tasks?limit=20',
  status: 200,
  check: (page: TaskPage, memory) => {
    memory.next = page.next_cursor
    return isPage(page) && Number.isInteger(page.total) && page.offset === 0
  }
}

const theTask = ({ id }: Memory) => `/api/tasks/${id}`

/** What a front end asks for while somebody works with it. */
const steps: Step[] = [
  list,
  {
    method: 'POST',
    path: () => '/api/tasks',
    body: { title: 'Call the plumber', description: 'The one from last time 🔧' },
    status: 201,
    check: (task: Task, memory) => {
      memory.id = task.id
      return isTask(task) && !task.is_completed
    }
  },
  list,
  {
    method: 'GET',
    path: ({ next }) => `/api/tasks?limit=20${next ? `&cursor=${next}` : '&is_completed=false'}`,
    status: 200,
    check: isPage
  },
  { method: 'GET', path: theTask, status: 200, check: (task: Task, { id }) => isTask(task) && task.id === id },
  {
    method: 'PUT',
    path: theTask,
    body: { title: 'Call the plumber again' },
    status: 200,
    check: (task: Task, { id }) => isTask(task) && task.id === id && task.description === null
  },
  {
    method: 'PATCH',
    path: (memory) => `${theTask(memory)}/complete`,
    body: { is_completed: true },
    status: 200,
    check: (task: Task, { id }) => isTask(task) && task.id === id && task.is_completed
  },
  list,
  { method: 'GET', path: theTask, status: 200, check: (task: Task, { id }) => isTask(task) && task.id === id },
  { method: 'DELETE', path: theTask, status: 204, check: (body) => body === '' }
]

/**
 * One turn of a session, for autocannon, which repeats it.
 * @param report is told of each answer that is not as it has to be
 */
export function session (person: Person, report: (what: string) => void): Request[] {
  const memory: Memory = {}
  return steps.map(({ method, path, body, status, check }) => ({
    method,
    headers: { ...person, ...(body && JSON_TYPE) },
    ...(body && { body: JSON.stringify(body) }),
    setupRequest: (request: Request) => ({ ...request, path: path(memory) }),
    onResponse: (given: number, text: string) => {
      const what = `${method} ${path({ id: '{task_id}' })}`
      if (given !== status) report(`${what} answers ${given} instead of ${status}`)
      else if (!isRight(text, (value) => check(value as never, memory))) report(`${what} has a wrong body`)
    }
  }))
}

function isRight (text: string, check: (value: unknown) => boolean): boolean {
  try {
    return check(text === '' ? '' : JSON.parse(text))
  } catch {
    return false
  }
}

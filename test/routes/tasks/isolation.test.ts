import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Task } from '../../../src/schemas/tasks.js'
import { startApp, type CallOptions } from '../../helper.js'
import { mounts, newestFirst, tasksIn, walk, withQuery } from '../../support/tasks.js'

const { app, call, signUp, sql } = await startApp(t)
const [ada, mallory, ghost] = [await signUp('Ada'), await signUp('Mallory'), await signUp('Ghost')]

const adas: Task[] = []
const mallorys: Task[] = []
for (let i = 0; i < 5; i++) {
  const task = await ada.add(`Ada's ${i}`, 'private')
  adas.push(i % 2 ? task : (await ada.call('PATCH', `/api/tasks/${task.id}/complete`)).body)
  mallorys.push(await mallory.add(`Mallory's ${i}`))
}
const ghosts = await ghost.add('Of nobody')
await sql('delete from todo.users where id = $1', [ghost.id])

/** Everything that is Ada's. */
const victim = async () => [
  await sql('select * from todo.users where id = $1', [ada.id]),
  await sql('select * from todo.tasks where owner_id = $1 order by id', [ada.id])
]

/** Mallory's request, in one way of many. Each part is a kind; the rows below say what stands for it. */
interface Attempt { operation: string, user: string, task: string, body: string, token: string }

const past = Math.floor(Date.now() / 1000) - 3600
const [head, claims] = mallory.token.split('.')
const tokens: Record<string, string | undefined> = {
  none: undefined,
  'with another signature': `${head}.${claims}.${ada.token.split('.')[2]}`,
  expired: app.jwt.present.sign({ sub: mallory.id, email: mallory.email, iat: past, exp: past + 60 }),
  'of a user who is gone': ghost.token,
  good: mallory.token
}

/** Whose list: of the token's user, of another user, of none. Only `none in the path` is the mount without a user. */
const users: Record<string, (own: string) => string> = {
  'none in the path': () => '/api/tasks',
  own: (own) => `/api/${own}/tasks`,
  'own in upper case': (own) => `/api/${own.toUpperCase()}/tasks`,
  foreign: () => `/api/${ada.id}/tasks`,
  absent: () => `/api/${randomUUID()}/tasks`,
  malformed: () => '/api/not-a-uuid/tasks',
  empty: () => '/api//tasks'
}

let own = await mallory.add('Target')
const taskIds: Record<string, (token: string) => string> = {
  own: (token) => token === 'of a user who is gone' ? ghosts.id : own.id,
  foreign: () => adas[2]!.id,
  absent: () => randomUUID(),
  malformed: () => 'not-a-uuid'
}

const content = { title: 'Taken over', description: null }
const json = (body: unknown): CallOptions => ({ body })
const bodies: Record<string, (valid: object) => CallOptions> = {
  valid: json,
  none: () => ({}),
  'with an unknown field': (valid) => json({ ...valid, user_id: ada.id }),
  empty: () => json({}),
  unparsable: () => json('{"title":'),
  'not UTF-8': () => json(Buffer.from([0x22, 0xff, 0x22])),
  'of another type': (valid) => ({ body: JSON.stringify(valid), headers: { 'content-type': 'text/plain' } }),
  oversized: (valid) => json({ ...valid, title: 'x'.repeat(64 * 1024) })
}

interface Operation { method: string, path?: string, onTask: boolean, valid?: object, success: number, bodies: string[] }
const operations: Record<string, Operation> = {
  list: { method: 'GET', onTask: false, success: 200, bodies: ['none'] },
  create: { method: 'POST', onTask: false, valid: content, success: 201, bodies: Object.keys(bodies) },
  get: { method: 'GET', onTask: true, success: 200, bodies: ['none'] },
  put: { method: 'PUT', onTask: true, valid: content, success: 200, bodies: Object.keys(bodies) },
  patch: { method: 'PATCH', onTask: true, valid: { title: content.title }, success: 200, bodies: Object.keys(bodies) },
  complete: { method: 'PATCH', path: '/complete', onTask: true, valid: { is_completed: true }, success: 200, bodies: Object.keys(bodies) },
  delete: { method: 'DELETE', onTask: true, success: 204, bodies: ['none', 'valid', 'unparsable', 'of another type', 'oversized'] }
}

type Answered = [status: number, detail?: string]
const nobody: Answered = [401, 'Invalid authentication credentials']

/** What is wrong with the body of an operation that reads one, in the order in which it is found out. */
function bodyRefusal ({ operation, body }: Attempt): Answered | undefined {
  if (!operations[operation]!.valid) return undefined
  if (body === 'oversized') return [413, 'Request body too large']
  if (body === 'of another type') return [415, 'Unsupported media type']
  if (body === 'unparsable') return [400, 'Malformed JSON']
  if (body === 'not UTF-8') return [400, 'Malformed UTF-8']
  if (body === 'none' && operation === 'complete') return undefined
  if (body === 'empty' && operation === 'patch') return undefined
  return body === 'valid' ? undefined : [422]
}

/** The contract's order of checks. @returns the answers that keep it */
function allowed (attempt: Attempt): Answered[] {
  const { operation, user, task, token } = attempt
  if (token === 'none') return [[401, 'Not authenticated']]
  if (token === 'expired' || token === 'with another signature') return [nobody]
  if (!['none in the path', 'own', 'own in upper case'].includes(user)) return [[403, "Not authorized to access this user's tasks"]]
  const refusal = bodyRefusal(attempt) ?? (task === 'malformed' ? [422] : undefined)
  // Whether the user is gone may be found out last.
  if (token === 'of a user who is gone') return refusal ? [refusal, nobody] : [nobody]
  if (refusal) return [refusal]
  if (task === 'foreign') return [[403, 'Not authorized to access this task']]
  if (task === 'absent') return [[404, 'Task not found']]
  return [[operations[operation]!.success]]
}

/** Makes one attempt. @returns what is wrong with the answer, or nothing */
async function violation (attempt: Attempt): Promise<object[]> {
  const { operation, user, task, body, token } = attempt
  const { method, path = '', onTask, valid = content } = operations[operation]!
  const base = users[user]!(token === 'of a user who is gone' ? ghost.id : mallory.id)
  const url = onTask ? `${base}/${taskIds[task]!(token)}${path}` : base
  const answer = await call(method, url, { token: tokens[token], ...bodies[body]!(valid) })
  if (answer.status === 204) own = await mallory.add('Target')
  const { status, body: { detail } = { detail: undefined } } = answer
  const fits = allowed(attempt).some(([expected, text]) => status === expected && (text === undefined || detail === text))
  const challenge = token === 'none' ? 'Bearer' : 'Bearer error="invalid_token"'
  const challenged = answer.headers['www-authenticate'] === (status === 401 ? challenge : undefined)
  const leaks = adas.some(({ title, description }) => answer.text.includes(title) || answer.text.includes(description!))
  return fits && challenged && !leaks ? [] : [{ attempt, expected: allowed(attempt), status, detail }]
}

for (const [operation, { onTask, bodies }] of Object.entries(operations)) {
  for (const user of Object.keys(users)) {
    t.test(`${operation}, user ${user}: every token, task and body gets its answer, and nobody else's task changes`, async (t) => {
      const before = await victim()
      for (const task of onTask ? Object.keys(taskIds) : ['of no importance']) {
        const wrong: object[] = []
        for (const body of bodies) {
          for (const token of Object.keys(tokens)) wrong.push(...await violation({ operation, user, task, body, token }))
        }
        t.strictSame(wrong, [], `task ${task}: the answers`)
        t.strictSame(await victim(), before, `task ${task}: Ada's rows are as they were`)
      }
    })
  }
}

t.test('any other spelling of the own id is somebody else', async (t) => {
  const { id } = mallory
  const others = [
    id.replaceAll('-', ''), `{${id}}`, `urn:uuid:${id}`, `${id}%20`, `%20${id}`, `${id}%00`, `${id}0`, id.slice(1), `${id}%2f`, `${id},${id}`, 'me', 'null', '*'
  ]
  for (const user of others) {
    for (const url of [`/api/${user}/tasks`, `/api/${user}/tasks/${own.id}`]) {
      t.match(await mallory.call('GET', url), { status: 403, body: { detail: "Not authorized to access this user's tasks" } }, url)
    }
  }
})

t.test('a list shows and counts nobody else\'s tasks, on any kind of page', async (t) => {
  for (const person of [ada, mallory]) {
    const mine = newestFirst(await sql<Task>('select * from todo.tasks where owner_id = $1', [person.id]))
    for (const { mount, of } of mounts) {
      for (const completed of [undefined, true, false]) {
        const query = completed === undefined ? {} : { is_completed: completed }
        const ids = mine.filter((task) => completed === undefined || task.is_completed === completed).map(({ id }) => id)
        const name = `${mount} ${JSON.stringify(query)}`
        const { body: page } = await person.call('GET', withQuery(of(person), { ...query, limit: 100 }))
        t.strictSame(page.tasks.map(({ id }: Task) => id), ids, name)
        t.equal(page.total, ids.length, `${name}: total`)
        t.match(await person.call('GET', withQuery(of(person), { ...query, offset: 1000 })), { body: { tasks: [], total: ids.length } }, name)
        const walked = tasksIn(await walk(person, of(person), { ...query, limit: 2 }))
        t.strictSame(walked.map(({ id }) => id), ids, `${name}: by cursor`)
        t.ok([...page.tasks, ...walked].every((task: Task) => task.user_id === person.id), `${name}: all are the person's own`)
      }
    }
  }
})

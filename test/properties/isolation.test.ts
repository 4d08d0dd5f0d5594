import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Task } from '../../src/schemas/tasks.js'
import { startApp, type Answer } from '../helper.js'
import { newestFirst, tasksIn, walk } from '../support/tasks.js'

const { signUp, sql } = await startApp(t)
const [ada, mallory] = [await signUp('Ada'), await signUp('Mallory')]

const adas: Task[] = []
for (let i = 0; i < 4; i++) {
  const task = await ada.add(`Ada's ${i}`, `secret ${i}`)
  adas.push(i % 2 ? task : (await ada.call('PATCH', `/api/tasks/${task.id}/complete`)).body)
}

// Mallory knows a tag and a key of Ada's.
const keyed = await ada.call('POST', '/api/tasks', { body: { title: 'Mine now' }, headers: { 'idempotency-key': 'known' } })
adas.push(keyed.body)

/** All that Ada can see, by every way there is to look. */
async function seenByAda (): Promise<unknown[]> {
  const lists = ['', '?is_completed=true', '?is_completed=false&limit=1', '?offset=2', '?offset=1000']
  const paths = ['/api/auth/me', ...adas.map(({ id }) => `/api/tasks/${id}`), ...lists.flatMap((query) =>
    [`/api/tasks${query}`, `/api/${ada.id}/tasks${query}`])]
  const pages = tasksIn(await walk(ada, '/api/tasks', { limit: 1 }))
  const answers: unknown[] = [pages]
  for (const path of paths) {
    const { status, body, headers } = await ada.call('GET', path)
    answers.push([path, status, body, headers.link])
  }
  return answers
}

const anyCase = (id: string) => fc.constantFrom(id, id.toUpperCase())

/** Mallory's request: who, what and with which body. `mine` stands for one of the tasks she has just then. */
const request = fc.record({
  operation: fc.constantFrom('list', 'create', 'get', 'put', 'patch', 'complete', 'flip', 'delete'),
  list: fc.oneof(
    { weight: 2, arbitrary: fc.constant('/api/tasks') },
    { weight: 2, arbitrary: anyCase(mallory.id).map((id) => `/api/${id}/tasks`) },
    { weight: 2, arbitrary: anyCase(ada.id).map((id) => `/api/${id}/tasks`) },
    { weight: 1, arbitrary: fc.oneof(fc.uuid(), fc.constantFrom('', '-', '%00', 'null', '*', '..%2f')).map((id) => `/api/${id}/tasks`) }
  ),
  task: fc.oneof(
    { weight: 3, arbitrary: fc.nat(20).map((pick) => ({ mine: pick })) },
    { weight: 4, arbitrary: fc.constantFrom(...adas).chain(({ id }) => anyCase(id)) },
    { weight: 1, arbitrary: fc.oneof(fc.uuid(), fc.constantFrom('', 'x', '%00', ada.id, mallory.id)) }
  ),
  body: fc.oneof(
    fc.record({ title: fc.string({ maxLength: 210 }), description: fc.option(fc.string()) }, { requiredKeys: [] }),
    fc.record({ title: fc.constant('Mine now') }),
    fc.record({ title: fc.constant('Mine now'), user_id: fc.constant(ada.id) }),
    fc.record({ title: fc.constant('Mine now'), id: fc.constantFrom(...adas.map(({ id }) => id)) }),
    fc.record({ is_completed: fc.boolean() }),
    fc.json(),
    fc.string()
  ),
  headers: fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    fc.constantFrom('if-match', 'if-none-match').chain((name) => fc.constantFrom('*', String(keyed.headers.etag), '""').map((value) => ({ [name]: value }))),
    fc.constant({ 'idempotency-key': 'known' })
  ),
  query: fc.oneof(
    { weight: 4, arbitrary: fc.constant('') },
    fc.constantFrom(`?user_id=${ada.id}`, `?owner_id=${ada.id}`, '?limit=100', '?limit=1&offset=1', '?is_completed=true', '?offset=0')
  )
})
type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never

/** Method, path below the list, and whether a body goes along. */
const operations: Record<Request['operation'], (id: string) => [string, string, boolean]> = {
  list: () => ['GET', '', false],
  create: () => ['POST', '', true],
  get: (id) => ['GET', `/${id}`, false],
  put: (id) => ['PUT', `/${id}`, true],
  patch: (id) => ['PATCH', `/${id}`, true],
  complete: (id) => ['PATCH', `/${id}/complete`, true],
  flip: (id) => ['PATCH', `/${id}/complete`, false],
  delete: (id) => ['DELETE', `/${id}`, true]
}

async function send ({ operation, list, task, body, query, headers }: Request, mine: string[]): Promise<Answer> {
  const id = typeof task === 'string' ? task : mine[task.mine % mine.length] ?? randomUUID()
  const [method, path, withBody] = operations[operation](id)
  return mallory.call(method, list + path + query, { headers, ...(withBody && { body }) })
}

t.test('no sequence of requests by one user changes what another one sees', async (t) => {
  const before = await seenByAda()
  const tasks = await sql('select * from todo.tasks where owner_id = $1 order by id', [ada.id])
  await fc.assert(fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 25 }), fc.boolean(), async (requests, atOnce) => {
    const mine: string[] = []
    const one = async (request: Request) => {
      const answer = await send(request, mine)
      const { status, text, body } = answer
      if (status === 201) mine.push(body.id)
      assert.ok(status < 500, `${status}: ${text}`)
      assert.doesNotMatch(text, /Ada's|secret/, 'nor is anything of it told')
      assert.ok(!(status < 300 && adas.some(({ id }) => id === body?.id)), 'nor does it succeed')
    }
    if (atOnce) await Promise.all(requests.map(one))
    else for (const request of requests) await one(request)
    assert.deepEqual(await sql('select * from todo.tasks where owner_id = $1 order by id', [ada.id]), tasks)
    const { body } = await mallory.call('GET', '/api/tasks?limit=100')
    assert.ok(body.tasks.every((task: Task) => task.user_id === mallory.id))
    assert.deepEqual(await seenByAda(), before)
  }), { numRuns: 40 })
  t.strictSame((await ada.call('GET', '/api/tasks')).body.tasks, newestFirst(adas), 'not even after all of them')
})

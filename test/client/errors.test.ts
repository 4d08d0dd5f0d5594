import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createTodoClient, TodoApiError, unwrap } from '../../client/src/index.js'
import { PASSWORD, startApp } from '../helper.js'
import { connectTo } from '../support/database.js'
import { rejection, startApi } from './api.js'

const { baseUrl, person } = await startApi(t)

t.test('a failure is a result with its status and its body', async (t) => {
  const { todo, credentials } = await person()
  const other = await person('Eve')
  const foreign = await unwrap(other.todo.tasks.create({ title: 'Hers' }))
  const failures = [
    [await todo.signUp({ ...credentials, name: 'Ada' }), 409, 'Email already exists'],
    [await todo.logIn({ ...credentials, password: 'wrong' }), 401, 'Invalid email or password'],
    [await createTodoClient({ baseUrl }).me(), 401, 'Not authenticated'],
    [await todo.tasks.get(foreign.id), 403, 'Not authorized to access this task'],
    [await todo.tasks.update(foreign.id, { title: 'Mine' }), 403, 'Not authorized to access this task'],
    [await todo.tasks.complete(foreign.id), 403, 'Not authorized to access this task'],
    [await todo.tasks.remove(foreign.id), 403, 'Not authorized to access this task'],
    [await todo.tasks.remove(randomUUID()), 404, 'Task not found'],
    [await todo.tasks.create({ title: 'Buy milk', description: 'x'.repeat(66_000) }), 413, 'Request body too large']
  ] as const
  for (const [{ ok, status, body }, expected, detail] of failures) {
    t.strictSame({ ok, status, body }, { ok: false, status: expected, body: { detail, status_code: expected } })
  }
  t.equal((await unwrap(other.todo.tasks.get(foreign.id))).title, 'Hers')
})

t.test('a broken rule is listed with the place of its field', async (t) => {
  const { todo } = await person()
  const result = await todo.tasks.create({ title: '', description: 'x'.repeat(2001) })
  if (result.status !== 422) throw new TodoApiError(result)
  t.strictSame([...new Set(result.body.detail.map(({ loc }) => loc.join('.')))].sort(), ['body.description', 'body.title'])
  t.match(await todo.tasks.get('milk'), { status: 422, body: { detail: [{ loc: ['path', 'task_id'], type: 'value_error.uuid' }] } })
  t.match(await todo.tasks.list({ limit: 101 }), { status: 422, body: { detail: [{ loc: ['query', 'limit'] }] } })
})

t.test('a database that is away is a 503 with the time to wait', async (t) => {
  const database = connectTo('postgres://todo@127.0.0.1:1/todo')
  t.teardown(async () => database.close())
  const away = await startApp(t, { database })
  const todo = createTodoClient({ baseUrl: await away.app.listen({ port: 0, host: '127.0.0.1' }) })
  const result = await todo.logIn({ email: 'ada@example.com', password: PASSWORD })
  t.match(result, { ok: false, status: 503, body: { detail: 'Service unavailable' } })
  t.ok(Number(result.response.headers.get('retry-after')) > 0)
})

t.test('whoever has nothing to say about a failure gets an exception that tells', async (t) => {
  const { todo } = await person()
  const missing = await rejection(unwrap(todo.tasks.get(randomUUID())))
  t.match(missing, { status: 404, body: { detail: 'Task not found' }, message: /\/api\/tasks\/.* answered 404: Task not found$/ })
  const invalid = await rejection(unwrap(todo.tasks.create({ title: ' ' })))
  t.match(invalid, { status: 422, message: /answered 422: body\.title must have more than white space/ })
  t.equal(invalid.response.headers.get('content-type'), 'application/json; charset=utf-8')
})

t.test('an id asks for its own path and for no other', async (t) => {
  const { todo, user } = await person()
  const { id } = await unwrap(todo.tasks.create({ title: 'Buy milk' }))
  const asked: string[] = []
  const seen = createTodoClient({
    baseUrl,
    fetch: async (request) => {
      asked.push(new URL(request.url).pathname)
      return fetch(request)
    }
  })
  for (const bad of ['', '.', '..']) {
    const { get, update, complete, remove } = seen.tasks
    const calls = [async () => get(bad), async () => update(bad, { title: 'x' }), async () => complete(bad), async () => remove(bad)]
    for (const request of calls) await t.rejects<unknown>(request(), { name: 'TypeError', message: `task_id cannot be "${bad}"` })
    await t.rejects(seen.api.GET('/api/{user_id}/tasks', { params: { path: { user_id: bad } } }), { name: 'TypeError' }, 'the raw client too')
  }
  await t.rejects(seen.tasks.get('\ud83d'), { name: 'URIError' })
  t.strictSame(asked, [], 'nothing is asked')
  for (const odd of [`${id}/complete`, '../auth/me', '?limit=1', '%2e%2e', '#', 'a b', '{task_id}', '$&']) {
    t.match(await todo.tasks.get(odd), { status: 422, body: { detail: [{ loc: ['path', 'task_id'], type: 'value_error.uuid' }] } }, odd)
    await seen.tasks.get(odd)
    t.equal(asked.pop(), `/api/tasks/${encodeURIComponent(odd)}`)
  }
  t.equal((await todo.api.GET('/api/{user_id}/tasks', { params: { path: { user_id: user.id } } })).response.status, 200)
})

t.test('a write is never answered by what is behind a redirect', async (t) => {
  const task = { id: '1', title: 'Buy milk', description: null, is_completed: false, user_id: '1', created_at: '', updated_at: '' }
  const proxy = createServer((request, response) => {
    if (request.url?.startsWith('/new')) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(task))
    else response.writeHead(303, { location: `/new${request.url}` }).end()
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => proxy.close())
  const todo = createTodoClient({ baseUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` })
  t.match(await todo.tasks.get('1'), { status: 200, body: task }, 'what is read may be elsewhere')
  t.equal((await rejection(todo.tasks.update('1', { title: 'x' }))).status, 200)
  t.equal((await rejection(todo.tasks.complete('1'))).status, 200)
})

t.test('what the API does not document is an exception, never a result', async (t) => {
  const answers: Record<string, [number, string, string]> = {
    "a proxy's own error": [502, 'text/html', '<h1>Bad gateway</h1>'],
    "a proxy's own error, with a status that the API has too": [503, 'text/html', '<h1>Service unavailable</h1>'],
    'an error of another program': [401, 'application/json', '{"message":"no"}'],
    'a page of a network that wants a login': [200, 'text/html', '<h1>Welcome</h1>'],
    'a success of another operation': [201, 'application/json', '{"id":"1"}'],
    'a success that is not an object': [200, 'application/json', 'null'],
    'a success without a body': [200, 'application/json', ''],
    'a success of another program': [200, 'application/json', '{"login":"https://wifi.example"}'],
    'a list of another program': [200, 'application/json', '[{"id":"1"}]'],
    "another program's 422, whose details have no place": [422, 'application/json', '{"detail":[{"msg":"no"}]}'],
    'a 422 with our status and their details': [422, 'application/json', '{"detail":[{"msg":"no","type":"x"}],"status_code":422}'],
    'a 422 with texts for details': [422, 'application/json', '{"detail":["no",null],"status_code":422}'],
    'an error whose detail is an object': [401, 'application/json', '{"detail":{"error":"no"},"status_code":401}'],
    'an error that is null': [401, 'application/json', 'null'],
    'an error without a body': [401, 'application/json', ''],
    'JSON that breaks off': [200, 'application/json', '{"id":"1", "ema']
  }
  let answer: [number, string, string]
  const proxy = createServer((_request, response) => {
    const [status, type, body] = answer
    response.writeHead(status, { 'content-type': type }).end(body)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => proxy.close())
  const todo = createTodoClient({ baseUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` })
  for (const [name, each] of Object.entries(answers)) {
    answer = each
    const error = await rejection(todo.me())
    t.equal(error.status, answer[0], name)
    t.match(error.message, /\/api\/auth\/me answered \d+: not an answer of this operation$/)
  }
  t.match(await rejection(createTodoClient({ baseUrl: `${baseUrl}/v2` }).logIn({ email: '', password: '' })),
    { status: 404, body: { detail: 'Not found' } }, 'a wrong base URL')
  proxy.close()
  proxy.closeAllConnections()
  await t.rejects(todo.me(), TypeError, 'and no answer at all is the error of fetch')
})

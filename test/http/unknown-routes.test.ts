import { randomUUID } from 'node:crypto'
import { METHODS } from 'node:http'
import t from 'tap'
import { startApp, type Answer, type CallOptions } from '../helper.js'
import { methodsByPath, pathOf } from '../support/endpoints.js'

const { call, signUp } = await startApp(t)
const ada = await signUp()
const bob = await signUp('Bob')
const task = await ada.add('Buy milk')

const notFound = { detail: 'Not found', status_code: 404 }
const notAllowed = { detail: 'Method not allowed', status_code: 405 }

const UNKNOWN = [
  '/nope', '/api', '/api/', '/api/auth', '/api/auth/nope', '/api/tasks/a/b', '/api/a/b/c/d/e', `/api/tasks/${task.id}/complete/`,
  '/health/', '/HEALTH', '/health%20', '/health;a=1', '/api%2ftasks', '/openapi.json/', '/redoc/', '/docs/nope', '/docs/static/nope.js',
  '/docs/static/%2e%2e%2fpackage.json', '//', '/*', '/docs/static/*', `/${'a'.repeat(10_000)}`
]

/** What an answer says about the route: its status, its body, `Allow` in order, and whether a token was asked for. */
const verdict = ({ status, body, headers }: Answer) => ({
  status,
  body,
  allow: headers.allow === undefined ? null : String(headers.allow).split(', ').sort(),
  challenge: headers['www-authenticate'] ?? null
})

const unknown = { status: 404, body: notFound, allow: null, challenge: null }
const unsuitable = (allowed: Set<string>) => ({ status: 405, body: notAllowed, allow: [...allowed].sort(), challenge: null })

t.test('a path that does not exist is 404, whoever asks', async (t) => {
  for (const path of UNKNOWN) {
    const answers = await Promise.all([undefined, ada.token, 'not a token'].map(async (token) => call('GET', path, { token })))
    t.strictSame(answers.map(verdict), [unknown, unknown, unknown], path.slice(0, 80))
    const { status, text } = await call('HEAD', path)
    t.strictSame([status, text], [404, ''], `HEAD ${path.slice(0, 80)}`)
  }
})

t.test('a path that does not exist is 404 with every method', async (t) => {
  for (const method of METHODS) {
    t.strictSame(verdict(await call(method, '/nope')), { ...unknown, body: method === 'HEAD' ? undefined : notFound }, method)
  }
})

for (const [path, allowed] of methodsByPath) {
  t.test(`${path} with another method is 405, and Allow lists what works`, async (t) => {
    const url = pathOf({ path }, randomUUID(), randomUUID())
    const others = METHODS.filter((method) => !allowed.has(method))
    const answers = await Promise.all(others.map(async (method) => [method, verdict(await call(method, url))]))
    const expected = others.map((method) => [method, { ...unsuitable(allowed), ...(method === 'HEAD' && { body: undefined }) }])
    t.strictSame(Object.fromEntries(answers), Object.fromEntries(expected))
  })
}

t.test('the route is looked at before the token and the body', async (t) => {
  const bad: Record<string, CallOptions> = {
    'a token that is none': { token: 'not a token' },
    'a body that is not JSON': { body: '{"title' },
    'a body that is null': { body: 'null' },
    'a body that is not UTF-8': { body: Buffer.from([0xff]) },
    'a body of another type': { body: 'title', headers: { 'content-type': 'text/plain' } },
    'a type that is none': { body: 'title', headers: { 'content-type': '///' } },
    'a body that is too large': { body: 'x'.repeat(70_000) }
  }
  for (const [what, options] of Object.entries(bad)) {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      t.strictSame(verdict(await call(method, '/nope', options)), unknown, `${method} of an unknown path with ${what}`)
    }
    for (const [method, path, template] of [
      ['PUT', '/api/tasks', '/api/tasks'], ['DELETE', `/api/${bob.id}/tasks`, '/api/{user_id}/tasks'], ['POST', '/health', '/health'], ['OPTIONS', '/docs', '/docs']
    ] as const) {
      t.strictSame(verdict(await call(method, path, options)), unsuitable(methodsByPath.get(template)!), `${method} ${path} with ${what}`)
    }
  }
})

t.test('percent-encoding that says nothing is 400 before anything else', async (t) => {
  const hopeless = [
    '/%zz', '/%', '/api/tasks/%zz', '/api/tasks/%c0%af', '/api/tasks/%ff', '/api/tasks/%ed%a0%80', '/api/%e0%a4/tasks',
    `/api/tasks/${task.id}%`, '/docs/static/%zz', '/docs/static/%c0%ae%c0%ae/package.json'
  ]
  for (const path of hopeless) {
    for (const token of [undefined, ada.token]) {
      for (const method of ['GET', 'DELETE', 'PROPFIND']) {
        t.match(await call(method, path, { token }), {
          status: 400,
          body: { detail: 'Malformed request', status_code: 400 },
          headers: { 'x-request-id': /.+/, 'content-type': /^application\/json/ }
        }, `${method} ${path}`)
      }
    }
  }
})

t.test('odd but readable paths get the answer that their parts deserve', async (t) => {
  const badId = { status_code: 422, detail: [{ loc: ['path', 'task_id'], type: 'value_error.uuid' }] }
  const foreign = { detail: "Not authorized to access this user's tasks", status_code: 403 }
  const cases: Array<[path: string, status: number, body: object]> = [
    ['/api/tasks/', 422, badId],
    ['/api/tasks/%00', 422, badId],
    ['/api/tasks/%0a', 422, badId],
    ['/api/tasks/%2f', 422, badId],
    ['/api/tasks/..%2f..%2fhealth', 422, badId],
    [`/api/tasks/${task.id}%00`, 422, badId],
    [`/api/tasks/${task.id}%20`, 422, badId],
    [`/api/tasks/${'a'.repeat(10_000)}`, 422, badId],
    [`/api/tasks/${task.id.replace('-', '%2d')}`, 200, task],
    ['/api//tasks', 403, foreign],
    ['/api/%00/tasks', 403, foreign],
    [`/api/${'a'.repeat(10_000)}/tasks`, 403, foreign],
    [`/api//tasks/${task.id}`, 403, foreign],
    [`/api/${ada.id}/tasks/`, 422, badId],
    ['//api/tasks', 404, notFound],
    ['/api/tasks//', 404, notFound],
    ['/api/tasks?limit=%zz', 422, { detail: [{ loc: ['query', 'limit'], type: 'type_error.integer' }] }],
    ['/api/tasks?%00=1', 422, { detail: [{ loc: ['query', '\u0000'], type: 'value_error.extra' }] }],
    ['/health?%zz=%zz&&&==', 200, { status: 'healthy' }]
  ]
  for (const [path, status, body] of cases) {
    const answer = await ada.call('GET', path)
    t.equal(answer.status, status, path.slice(0, 80))
    t.match(answer.body, body, path.slice(0, 80))
  }
})

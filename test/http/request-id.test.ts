import { randomUUID } from 'node:crypto'
import t from 'tap'
import { startApp } from '../helper.js'
import { addBroken, everyKind } from '../support/every-kind.js'
import { keepLog } from '../support/log.js'
import { exchange, listen, request } from '../support/raw.js'

const log = keepLog()
const { app, call, signUp } = await startApp(t, { settings: { LOG_LEVEL: 'trace' }, output: log, prepare: addBroken })
const port = await listen(app)
const ada = await signUp()

const raw = (start: string, ...headers: string[]) => exchange(port, request(start, ['Host: localhost', 'Connection: close', ...headers]))

t.test('every answer carries a new request id', async (t) => {
  const ids = new Set<unknown>()
  for (const [method, path, status, options] of everyKind) {
    const answer = await ada.call(method, path, options)
    t.equal(answer.status, status, `${method} ${path}`)
    t.match(answer.headers['x-request-id'], /^[A-Za-z0-9._-]{1,64}$/, `${method} ${path}`)
    ids.add(answer.headers['x-request-id'])
  }
  t.equal(ids.size, everyKind.length)
})

t.test('a good id of the client is kept, on every answer', async (t) => {
  for (const id of ['a', '0', '.', '-_.', 'Ab9._-', 'x'.repeat(64), randomUUID(), '__proto__']) {
    t.equal((await call('GET', '/health', { headers: { 'x-request-id': id } })).headers['x-request-id'], id)
  }
  for (const [method, path, , options] of everyKind) {
    const answer = await ada.call(method, path, { ...options, headers: { ...options?.headers, 'x-request-id': 'kept' } })
    t.equal(answer.headers['x-request-id'], 'kept', `${method} ${path}`)
  }
})

t.test('any other id of the client is replaced', async (t) => {
  for (const id of ['', 'x'.repeat(65), 'two words', 'a,b', 'a/b', 'a:b', 'a"b', '{}', '%0d%0a', 'caf\u00e9', '<b>', "'; drop table tasks"]) {
    const { headers } = await call('GET', '/health', { headers: { 'x-request-id': id } })
    t.match(headers['x-request-id'], /^[0-9a-f-]{36}$/, id)
  }
  for (const ids of [['X-Request-Id: a', 'X-Request-Id: b'], ['X-Request-Id: \u00e9'], ['X-Request-Id: a\tb'], ['X-Request-Id:']]) {
    const [answer] = await raw('GET /health HTTP/1.1', ...ids)
    t.equal(answer?.status, 200)
    t.match(answer?.headers['x-request-id'], /^[0-9a-f-]{36}$/, ids.join())
  }
})

t.test('an id with a line break in it does not get anywhere', async (t) => {
  log.chunks.length = 0
  for (const separator of ['\r', '\n', '\r\n ', '\0']) {
    const [answer, ...others] = await raw('GET /health HTTP/1.1', `X-Request-Id: a${separator}{"level":30,"msg":"forged"}`)
    t.equal(answer?.status, 400)
    t.match(answer?.headers['x-request-id'], /^[0-9a-f-]{36}$/)
    t.strictSame(others, [])
  }
  t.notMatch(log.chunks.join(''), 'forged')
})

t.test('answers of the HTTP parser have an id, each its own', async (t) => {
  const answers = [
    ...await exchange(port, 'hello\r\n\r\n'), ...await exchange(port, 'hello\r\n\r\n'),
    ...await raw('GET /health HTTP/1.1', `X-Long: ${'x'.repeat(20_000)}`),
    ...await raw('GET /health HTTP/1.1', 'Expect: a miracle')
  ]
  t.strictSame(answers.map(({ status }) => status), [400, 400, 431, 417])
  t.equal(new Set(answers.map(({ headers }) => headers['x-request-id'])).size, 4)
})

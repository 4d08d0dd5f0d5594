import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import t from 'tap'
import { startApp } from '../helper.js'
import { keepLog } from '../support/log.js'
import { addBroken, everyKind } from '../support/every-kind.js'
import { exchange, listen, rawClient, request } from '../support/raw.js'
import { until } from '../support/until.js'

const log = keepLog()
let isAsked = false
const { app, call, signUp } = await startApp(t, {
  // The most talkative level: even there nothing may leak.
  settings: { LOG_LEVEL: 'trace' },
  output: log,
  prepare (app) {
    app.get('/too-late', { schema: { hide: true } }, async ({ raw }) => {
      isAsked = true
      await once(raw.socket, 'close')
      return 'too late'
    })
    addBroken(app)
  }
})
const port = await listen(app)
const ada = await signUp()
const task = await ada.add('Buy milk')

const raw = (start: string, ...headers: string[]) => exchange(port, request(start, ['Host: localhost', 'Connection: close', ...headers]))

/** The lines of requests, and not of what went wrong in them: those are of a higher level. */
const requestLines = () => log.lines().filter(({ level }) => level === 30)

t.test('each request is one line of the log: who, what, how it ended, how long it took', async (t) => {
  for (const [method, path, , options] of everyKind) {
    log.chunks.length = 0
    const answer = await ada.call(method, `${path}${path.includes('?') ? '&' : '?'}secret=1`, options)
    const [line, ...others] = requestLines()
    t.strictSame(others, [], `${method} ${path}`)
    const { msg, reqId, ms, time, ...rest } = line!
    t.match([msg, reqId, time, ms], ['request', answer.headers['x-request-id'], Number, Number])
    t.strictSame([rest.method, rest.path, rest.status], [method, path.split('?')[0], answer.status])
    t.ok(Number(ms) >= 0)
  }
  log.chunks.length = 0
  await ada.call('GET', `/api/tasks/${task.id}`)
  t.match(requestLines(), [{ user: ada.id, path: `/api/tasks/${task.id}` }], 'the user is named by id')
  log.chunks.length = 0
  await call('GET', '/api/tasks', { token: 'not a token' })
  t.strictSame(requestLines().map(({ user }) => user), [undefined], 'and nobody is taken at their word')
})

t.test('a request whose client went away before the answer is a line that says so', async (t) => {
  log.chunks.length = 0
  const client = rawClient(port)
  client.write(request('GET /too-late?secret=1 HTTP/1.1', ['Host: localhost', 'X-Request-Id: left']))
  await until('it is asked', () => isAsked)
  client.end()
  await until('it is in the log', () => requestLines().length > 0)
  t.match(requestLines(), [{ reqId: 'left', path: '/too-late', aborted: true }])
  t.equal(requestLines().length, 1)
  await call('GET', '/health')
  t.notOk('aborted' in requestLines().at(-1)!, 'which is said of no other')
})

t.test('no password, token, email or query is ever logged', async (t) => {
  log.chunks.length = 0
  const secrets = {
    password: `p-${randomUUID()}`,
    email: `eve-${randomUUID()}@example.com`,
    name: `Eve ${randomUUID()}`,
    title: `title ${randomUUID()}`,
    query: `q-${randomUUID()}`
  }
  const { password, email, name, title, query } = secrets
  await call('POST', '/api/auth/signup', { body: { email, password, name } })
  await call('POST', '/api/auth/signup', { body: { email, password, name } })
  await call('POST', '/api/auth/signup', { body: { email, password, name, [query]: query } })
  await call('POST', '/api/auth/signup', { body: { email: `${email}@`, password: password.slice(0, 7), name: '' } })
  await call('POST', '/api/auth/signup', { body: `{"email":"${email}","password":"${password}"` })
  await call('POST', '/api/auth/signup', { body: `password=${password}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  await call('POST', `/api/auth/signup?password=${password}`, { body: { email, password, name } })
  await call('POST', '/api/auth/login', { body: { email, password: `${password}?` } })
  const { access_token: token } = (await call('POST', '/api/auth/login', { body: { email, password } })).body as { access_token: string }
  await call('GET', `/api/tasks?token=${token}&q=${query}`)
  await call('GET', `/api/tasks?${query}`, { token })
  await call('GET', `/nope?${query}`, { token })
  await call('DELETE', `/health?${query}`, { token })
  await call('GET', '/api/tasks', { token: `${token}x` })
  await call('GET', '/api/tasks', { headers: { authorization: `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}` } })
  await call('GET', '/api/tasks', { headers: { cookie: `token=${token}`, 'x-request-id': `${query} ${token}` } })
  await call('POST', '/api/tasks', { token, body: { title, description: query } })
  await call('POST', '/api/tasks', { token, body: { title: `${title}\u0000` } })
  await call('GET', `/broken?token=${token}`, { token })
  await exchange(port, `GET /api/tasks?${query} HTTP/1.1\r\nAuthorization: Bearer ${token}\nX: y\r\n\r\n`)
  const text = log.chunks.join('')
  t.ok(requestLines().length >= 19, 'the log was on')
  for (const [what, secret] of Object.entries({ ...secrets, token, signature: token.split('.')[2]!, claims: token.split('.')[1]! })) {
    t.notMatch(text, secret, what)
  }
  t.notMatch(text, /argon2/, 'no hash')
  t.notMatch(text, Buffer.from(`${email}:${password}`).toString('base64'))
})

t.test('nothing in a request can forge a line of the log', async (t) => {
  log.chunks.length = 0
  const forged = '{"level":30,"msg":"request","status":200,"path":"/forged"}'
  const encoded = encodeURIComponent(`\n${forged}\n`)
  await ada.call('GET', `/api/tasks/${encoded}`)
  await ada.call('GET', `/nope/${encoded}`)
  await ada.call('GET', `/nope/%0d%0a${encodeURIComponent(forged)}`)
  await ada.call('GET', `/nope/${encodeURIComponent(`\u2028${forged}"`)}`)
  await ada.call('GET', `/api/tasks?${encoded}=1`)
  await raw('GET /nope/"}{"level":30 HTTP/1.1', `User-Agent: ${forged}`)
  await raw('GET /nope/\u001b[31m HTTP/1.1')
  for (const chunk of log.chunks) {
    t.match(chunk, /^\{[^\n\r\u2028]*\}\n$/, 'a chunk is a line')
    t.not(JSON.parse(chunk).path, '/forged')
  }
  t.ok(log.chunks.length >= 6)
})

t.test('a path is logged as a path, whatever host a request names', async (t) => {
  for (const host of ['http://evil.example', 'https://me:secret@evil.example:8443', 'HTTP://EVIL.EXAMPLE']) {
    for (const path of ['/health', '/nope', '/api/tasks/%zz']) {
      log.chunks.length = 0
      await raw(`GET ${host}${path}?http://q HTTP/1.1`)
      t.strictSame(requestLines().map(({ path }) => path), [path], `${host}${path}`)
      t.notMatch(log.chunks.join(''), /evil|secret/i)
    }
  }
})

t.test('a line is written at the level info, and not above it', async (t) => {
  const quiet = keepLog()
  const { call } = await startApp(t, { database: app.db, settings: { LOG_LEVEL: 'warn' }, output: quiet })
  await call('GET', '/health')
  await call('GET', '/nope')
  t.strictSame(quiet.chunks, [])
})

import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { connectEmbedded } from '../src/db/embedded.js'
import { PASSWORD, testSettings } from './helper.js'
import { migratedDump } from './support/dump.js'
import { start, type Program } from './support/process.js'
import { postgresServer } from './support/wire.js'

const settings = { ...testSettings, LOG_LEVEL: 'info', PORT: '0' }
const account = { email: 'ada@example.com', password: PASSWORD, name: 'Ada' }

/** Nothing listens there. */
const ABSENT = 'postgres://ada:s3cret@127.0.0.1:1/todo'
const SECRET_KEY = 'kF9v2xQ7mZ4tB8nR1wY6cH3jL5pS0dGa'

/** A folder to start a server in, with an embedded database: its first start would take seconds. */
const home = t.testdir()
const first = connectEmbedded(join(home, '.data/pglite'), { dump: await migratedDump() })
await first.start()
await first.close()

const hasIPv6 = Object.values(networkInterfaces()).flat().some((one) => one?.internal && one.family === 'IPv6')

/** A request to a server. */
async function request (base: string, method: string, path: string, body?: object) {
  const answer = await fetch(base + path, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  })
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}

const canLogIn = async (t: Test, base: string, { email, password }: Partial<typeof account> = account) => {
  t.equal((await request(base, 'POST', '/api/auth/login', { email, password })).status, 200)
}

/** Begins a signup, and waits until the server has begun with it. @returns what finishes it, and answers all that came */
async function halfSignup (base: string): Promise<() => Promise<string>> {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  const body = JSON.stringify({ ...account, email: 'in-flight@example.com' })
  let answer = ''
  socket.setEncoding('utf8').on('error', () => {}).on('data', (text: string) => { answer += text })
  socket.write('POST /api/auth/signup HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n' +
    `Content-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`)
  await once(socket, 'data')
  return async () => {
    socket.write(body.slice(9))
    await once(socket, 'close')
    return answer
  }
}

/** Waits, for half a minute at most. */
async function until (isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300 && !await isSo(); tries++) await new Promise((resolve) => { setTimeout(resolve, 100) })
}

/** The base URL out of the banner. */
const baseOf = async (server: Program) => (await server.says(/API +(http:\S+)\/api\n/))[1]!

const database = await postgresServer(t)
database.refuse()
const production = start(t, 'server.ts', t.testdir(), {
  ...settings, SECRET_KEY, NODE_ENV: 'production', DATABASE_URL: database.url, SHUTDOWN_DRAIN_SECONDS: '2'
})

t.test('in production it says where it is in one line for a log collector', async (t) => {
  await production.says(/"listening".*\n/)
  const lines = production.output.out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, string>)
  const facts = lines.find(({ msg }) => msg === 'listening')!
  const base = /^http:\/\/(localhost|127\.0\.0\.1):\d+$/
  t.match(facts.api!.replace('/api', ''), base)
  t.equal(facts.docs, facts.api!.replace('/api', '/docs'))
  t.equal(facts.redoc, facts.api!.replace('/api', '/redoc'))
  t.match(facts.try, /^curl -X POST http:/)
  const { host, pathname } = new URL(database.url)
  t.equal(facts.database, `PostgreSQL at ${host}${pathname}`)
  t.notMatch(production.output.out, SECRET_KEY)
  t.equal(production.output.err, '')
})

t.test('it comes up without its database, answers 503, and heals when the database appears', async (t) => {
  const [, base] = await production.says(/"api":"(http[^"]+)\/api"/)
  t.strictSame((await request(base!, 'GET', '/health')).body, { status: 'healthy' })
  for (const answer of [await request(base!, 'GET', '/ready'), await request(base!, 'POST', '/api/auth/signup', account)]) {
    t.equal(answer.status, 503)
    t.equal(answer.headers.get('retry-after'), '2')
    t.strictSame(answer.body, { detail: 'Service unavailable', status_code: 503 })
  }
  await database.accept()
  await until(async () => (await request(base!, 'GET', '/ready')).status === 200)
  t.equal((await request(base!, 'POST', '/api/auth/signup', account)).status, 201)
  await canLogIn(t, base!)
  // The last test sees how it ends with a client that never finishes.
  await halfSignup(base!)
  production.child.kill('SIGINT')
  await production.says(/"stopping"/)
  production.child.kill('SIGINT')

  await t.test('on a signal it is not ready any more, and goes on serving until a balancer has seen that', async (t) => {
    const notReady = await request(base!, 'GET', '/ready')
    t.strictSame([notReady.status, notReady.body], [503, { detail: 'Service unavailable', status_code: 503 }])
    t.equal(notReady.headers.get('retry-after'), '2')
    for (const answer of [notReady, await request(base!, 'GET', '/health'), await request(base!, 'POST', '/api/auth/login', account)]) {
      t.equal(answer.headers.get('connection'), 'close', 'every answer is the last one of its connection')
    }
    await canLogIn(t, base!)
    const isOpen = async () => fetch(`${base}/health`).then(() => true, () => false)
    await until(async () => !await isOpen())
    t.notOk(await isOpen(), 'then nobody else comes in')
  })
})

t.test('on its embedded database it tells a person where everything is', async (t) => {
  const server = start(t, 'server.ts', home, settings)
  const base = await baseOf(server)
  const { out } = server.output
  t.match(out, /\nTodo Backend API \d+\.\d+\.\d+\n/)
  t.match(out, `Documentation  ${base}/docs (try it), ${base}/redoc (read it)\n`)
  t.match(out, `Database       embedded PostgreSQL (PGlite) in ${join(home, '.data/pglite')}\n`)
  for (const page of ['/docs', '/redoc', '/openapi.json']) t.equal((await fetch(base + page)).status, 200, page)

  await t.test('the curl line works', async (t) => {
    const [, method, url, name, value, body] = /Try +curl -X (\w+) (\S+) -H '([\w-]+): ([^']+)' -d '([^']+)'\n/.exec(out)!
    t.equal((await fetch(url!, { method: method!, headers: { [name!]: value! }, body: body! })).status, 201)
    await canLogIn(t, base)
  })

  await t.test('what an operator can mend is one line on the standard error, and status 1', async (t) => {
    const cases: Array<[name: string, settings: NodeJS.ProcessEnv, line: RegExp]> = [
      ['a folder that is in use', {}, /^The embedded database in \/\S+ is in use by another process: stop that one, or set DATABASE_URL\n$/],
      ['a port that is in use', { DATABASE_URL: ABSENT, PORT: new URL(base).port }, /^listen EADDRINUSE[^\n]+\n$/],
      ['an address of another machine', { DATABASE_URL: ABSENT, HOST: '203.0.113.1' }, /^[^\n]+203\.0\.113\.1[^\n]*\n$/],
      ['a bad setting', { DATABASE_URL: 'postgres://ada:s3cret@db.example:port/todo' }, /^Setting DATABASE_URL (?!.*s3cret)[^\n]+\n$/]
    ]
    const all = cases.map(([name, given, line]) =>
      ({ name, line, ended: start(t, 'server.ts', home, { ...settings, LOG_LEVEL: 'silent', ...given }).ended }))
    for (const { name, line, ended } of all) {
      const { status, out, err } = await ended
      t.equal(status, 1, name)
      t.equal(out, '', name)
      t.match(err, line, name)
    }
  })

  await t.test('SIGTERM lets a request finish and ends with status 0', async (t) => {
    const finish = await halfSignup(base)
    server.child.kill('SIGTERM')
    await server.says(/"stopping"/)
    await until(async () => await fetch(`${base}/health`).then(() => false, () => true))
    await t.rejects(fetch(`${base}/health`), 'nobody else comes in')
    t.match(await finish(), /^HTTP\/1\.1 100 [^]+HTTP\/1\.1 201 Created\r\n[^]+connection: close/i)
    t.match(await server.ended, { status: 0, signal: null, err: '' })
  })
})

t.test('what was written is there after a restart, and after kill -9', async (t) => {
  const server = start(t, 'server.ts', home, settings)
  const base = await baseOf(server)
  await canLogIn(t, base)
  const killed = { ...account, email: 'killed@example.com' }
  t.equal((await request(base, 'POST', '/api/auth/signup', killed)).status, 201)
  server.child.kill('SIGKILL')
  t.match(await server.ended, { signal: 'SIGKILL' })

  const next = start(t, 'server.ts', home, { ...settings, HOST: hasIPv6 ? '::1' : '127.0.0.1' })
  const newBase = await baseOf(next)
  if (hasIPv6) t.equal(new URL(newBase).hostname, '[::1]', 'another address is shown as it is')
  await canLogIn(t, newBase, killed)

  const silent = connect(Number(new URL(newBase).port), hasIPv6 ? '::1' : '127.0.0.1')
  await once(silent, 'connect')
  await request(newBase, 'GET', '/health')
  next.child.kill('SIGINT')
  await next.says(/"stopping"/)
  const stopping = Date.now()
  t.match(await next.ended, { status: 0, signal: null, err: '' })
  t.ok(Date.now() - stopping < 4000, 'whoever has connected and says nothing is not waited for')
})

t.test('a signal ends it with status 0 before it has reached its database, too', async (t) => {
  const database = await postgresServer(t)
  database.treat('stall')
  const server = start(t, 'server.ts', t.testdir(), { ...settings, DATABASE_URL: database.url })
  await until(() => database.connections() > 0)
  server.child.kill('SIGTERM')
  t.match(await server.ended, { status: 0, signal: null, err: '' })
})

t.test('a client that never finishes does not hold up the end, nor does a second signal hasten it', async (t) => {
  t.match(await production.ended, { status: 0, signal: null, err: '' })
})

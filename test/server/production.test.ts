import t from 'tap'
import { frontOf } from '../support/front.js'
import { start } from '../support/process.js'
import { account, canLogIn, halfSignup, request, settings } from '../support/server.js'
import { until } from '../support/until.js'
import { postgresServer } from '../support/wire.js'

const SECRET_KEY = 'kF9v2xQ7mZ4tB8nR1wY6cH3jL5pS0dGa'

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
  t.equal(facts.database, `PostgreSQL at ${host}${pathname}, not ready yet`)
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
  await until('it is ready', async () => (await request(base!, 'GET', '/ready')).status === 200)
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
    await until('it is closed', async () => !await isOpen())
    t.notOk(await isOpen(), 'then nobody else comes in')
  })
})

t.test('a database of another encoding stops the start with one line', async (t) => {
  const { url } = await postgresServer(t)
  const there = new URL(url)
  there.port = String((await frontOf(t, url, { encoding: 'WIN1' })).port)
  const { status, err } = await start(t, 'server.ts', t.testdir(), { ...settings, DATABASE_URL: there.href }).ended
  t.strictSame([status, err], [1, 'The database of DATABASE_URL cannot be used: its encoding is WIN1 and has to be UTF8\n'])
})

t.test('a signal ends it with status 0 before it has reached its database, too', async (t) => {
  const database = await postgresServer(t)
  database.treat('stall')
  const server = start(t, 'server.ts', t.testdir(), { ...settings, DATABASE_URL: database.url })
  await until('it connects', () => database.connections() > 0)
  server.child.kill('SIGTERM')
  t.match(await server.ended, { status: 0, signal: null, err: '' })
})

t.test('a client that never finishes does not hold up the end, nor does a second signal hasten it', async (t) => {
  t.match(await production.ended, { status: 0, signal: null, err: '' })
})

import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { connectEmbedded } from '../../src/db/embedded.js'
import { migratedDump } from '../support/dump.js'
import { startCollector } from '../support/otlp.js'
import { start } from '../support/process.js'
import { account, baseOf, canLogIn, halfSignup, request, settings } from '../support/server.js'
import { until } from '../support/until.js'

/** Nothing listens there. */
const ABSENT = 'postgres://ada:s3cret@127.0.0.1:1/todo'

/** A folder to start a server in, with an embedded database: its first start would take seconds. */
const home = t.testdir()
const first = connectEmbedded(join(home, '.data/pglite'), { dump: await migratedDump() })
await first.start()
await first.close()

const hasIPv6 = Object.values(networkInterfaces()).flat().some((one) => one?.internal && one.family === 'IPv6')

t.test('on its embedded database it tells a person where everything is', async (t) => {
  const { url } = await startCollector(t)
  const server = start(t, 'server.ts', home, {
    ...settings, METRICS_PORT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/elsewhere`, OTEL_BSP_SCHEDULE_DELAY: '10'
  })
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

  await t.test('the metrics are on a port of their own', async (t) => {
    const [, port] = await server.says(/"port":(\d+)\},"msg":"metrics served"/)
    t.not(port, new URL(base).port)
    t.match(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), 'http_server_request_duration_seconds_count{')
  })

  await t.test('a collector that takes no traces is a line of the log', async () => { await server.says(/"traces not sent"/) })

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
    await until('nobody is let in', async () => await fetch(`${base}/health`).then(() => false, () => true))
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

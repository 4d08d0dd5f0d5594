import postgres from 'postgres'
import t from 'tap'
import { connectTo } from '../support/database.js'
import { start } from '../support/process.js'
import { account, baseOf, canLogIn, request, settings } from '../support/server.js'
import { postgresServer } from '../support/wire.js'

t.test('while another process migrates the server listens, answers 503 and says so, and heals', async (t) => {
  const database = await postgresServer(t)
  const holder = postgres(database.url, { max: 1, fetch_types: false, onnotice: () => {} })
  // As version 1.0 does.
  await holder`select pg_advisory_lock(${0x746f646f}::bigint)`
  const server = start(t, 'server.ts', t.testdir(), { ...settings, DATABASE_URL: database.url })
  const base = await baseOf(server)
  t.match(server.output.out, /Database .+, not ready yet\n/, 'nobody is told that it works')
  t.equal((await request(base, 'GET', '/health')).status, 200)
  for (const answer of [await request(base, 'GET', '/ready'), await request(base, 'POST', '/api/auth/signup', account)]) {
    t.strictSame([answer.status, answer.body], [503, { detail: 'Service unavailable', status_code: 503 }])
  }
  const reason = /"reason":"The database is unavailable \(another process migrates\)","msg":"database not started; trying again"/g
  await server.says(reason)
  await holder.end()
  await server.says(/"database started"/)
  t.equal(server.output.out.match(reason)!.length, 1, 'one line for all its tries')
  t.equal((await request(base, 'GET', '/ready')).status, 200)
  t.equal((await request(base, 'POST', '/api/auth/signup', account)).status, 201)
  await canLogIn(t, base)
})

t.test('on a migrated PostgreSQL it is ready as soon as it listens', async (t) => {
  const database = await postgresServer(t)
  const before = connectTo(database.url)
  await before.start()
  await before.close()
  const server = start(t, 'server.ts', t.testdir(), { ...settings, DATABASE_URL: database.url })
  const base = await baseOf(server)
  t.equal((await request(base, 'POST', '/api/auth/signup', account)).status, 201)
  t.notMatch(server.output.out, /not ready yet|not started/)
})

import t from 'tap'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { PASSWORD, startApp } from '../helper.js'
import { connectTo, serverUrl, sqlOn } from '../support/database.js'
import { memberOf } from '../support/first-version.js'
import { isOutage } from '../support/outage.js'
import { proxyTo } from '../support/proxy.js'
import { teardown } from '../support/teardown.js'
import { postgresServer } from '../support/wire.js'

const server = await postgresServer(t)
const database = connectTo(server.url, { DATABASE_POOL_SIZE: '2' })
teardown(t, async () => { await database.close() })
const main = await startApp(t, { database })
const { call, sql } = main

// This takes as long as the deadline, so that it goes on beside the tests; the last of them looks at it.
const hangingUp = await proxyTo(server.url)
hangingUp.treat('hang up')
const hungUp = connectTo(hangingUp.url, { DATABASE_POOL_SIZE: '1' })
const startOfHungUp = hungUp.start().catch((error: unknown) => error)

/** Far more than the deadline, far less than for ever. */
const inTime = async (answer: Promise<unknown>) =>
  Promise.race([answer, new Promise((resolve) => { setTimeout(resolve, 15_000, 'too late').unref() })])

t.test('before the database is started, the server lives and answers 503', async (t) => {
  t.equal((await call('GET', '/health')).status, 200)
  await isOutage(t, call('GET', '/ready'), call('POST', '/api/auth/login', { body: { email: 'ada@example.com', password: PASSWORD } }))
  await t.rejects(database.ping(), new DatabaseUnavailable('not started'))
})

t.test('a database that is not there is an outage, and is started when it is', async (t) => {
  server.refuse()
  await t.rejects(database.start(), new DatabaseUnavailable('ECONNREFUSED'))
  await isOutage(t, call('GET', '/ready'))
  await server.accept()
  await database.start()
  t.equal((await call('GET', '/ready')).status, 200)
  await t.resolves(database.start(), 'to start again changes nothing')
})

t.test('a refused user and an absent database are outages too', { skip: !serverUrl && 'the embedded database knows neither' }, async (t) => {
  const user = new URL(server.url)
  user.username = 'nobody-of-this-name'
  const refused = connectTo(user.href)
  await t.rejects(refused.start(), { name: 'Error', reason: /^28/ })
  await refused.close()

  const place = new URL(server.url)
  const name = `${place.pathname.slice(1)}_later`
  place.pathname = name
  const later = connectTo(place.href)
  await t.rejects(later.start(), new DatabaseUnavailable('3D000'))
  await sql(`create database ${name}`)
  await later.start()
  await t.resolves(later.ping())
  await later.close()
  await sql(`drop database ${name} with (force)`)
})

t.test('a connection that is cut under a statement is 503 once, and the next one works', async (t) => {
  const ada = await memberOf(main)
  const inVain = server.silence()
  const answer = ada.call('GET', '/api/tasks')
  await inVain
  server.cut()
  await isOutage(t, answer)
  t.equal((await ada.call('GET', '/api/tasks')).status, 200)
})

t.test('more statements than can be served are refused at once', async (t) => {
  void server.silence()
  server.treat('stall')
  const waiting = Array.from({ length: 1000 }, async () => database.ping())
  await t.rejects(database.ping(), new DatabaseUnavailable('too many statements wait'))
  server.treat('pass')
  server.cut()
  for (const { status, reason } of (await Promise.allSettled(waiting)).map((result) => ({ reason: null, ...result }))) {
    if (status === 'rejected') t.match(reason, { constructor: DatabaseUnavailable })
  }
  await t.resolves(database.ping(), 'then there is room again')
})

t.test('how many are too many is a setting', async (t) => {
  const narrow = connectTo(server.url, { DATABASE_QUEUE: '2' })
  await narrow.start()
  t.teardown(async () => { await narrow.close() })
  const answers = await Promise.allSettled([narrow.ping(), narrow.ping(), narrow.ping()])
  t.match(answers, [{ status: 'fulfilled' }, { status: 'fulfilled' }, { reason: new DatabaseUnavailable('too many statements wait') }])
})

t.test('a new connection gets the time of its setting', async (t) => {
  const stalling = await proxyTo(server.url)
  stalling.treat('stall')
  const hasty = connectTo(stalling.url, { DATABASE_CONNECT_TIMEOUT: '100' })
  await t.rejects(hasty.start(), new DatabaseUnavailable('CONNECT_TIMEOUT'))
  const quick = connectTo(stalling.url, { DATABASE_STATEMENT_TIMEOUT: '100' })
  await t.rejects(quick.start(), new DatabaseUnavailable('no free connection'), 'and a statement waits for one no longer than its own')
  stalling.treat('pass')
  await t.resolves(quick.start(), 'with a new one it works')
  await Promise.all([hasty.close(), quick.close()])
  stalling.refuse()
})

t.test('time inside PostgreSQL', { skip: !serverUrl && 'the embedded database has no time limits' }, async (t) => {
  const hasty = connectTo(server.url, { DATABASE_POOL_SIZE: '1', DATABASE_STATEMENT_TIMEOUT: '500' })
  await hasty.start()
  t.teardown(async () => { await hasty.close() })
  const run = sqlOn(hasty)
  const [before] = await run('select pg_backend_pid() as id')

  await t.rejects(run('select pg_sleep(9)'), new DatabaseUnavailable('57014'), 'a statement that takes longer than the setting is ended there')
  const [first, second] = await Promise.allSettled([run('select pg_sleep(0.4)'), run('select pg_sleep(0.45)')])
  t.match(first, { status: 'fulfilled' })
  t.match(second, { reason: new DatabaseUnavailable('no answer') }, 'one that waits behind others is given up')
  t.strictSame((await run('select pg_backend_pid() as id'))[0], before, 'and its connection, which only was busy, is kept')

  // A hundred are sent; the others wait for those, and would have to for longer than they may.
  const many = await Promise.allSettled(Array.from({ length: 110 }, async () => run('select pg_sleep(0.01)')))
  t.match(many[0], { status: 'fulfilled' })
  t.match(many.at(-1), { reason: new DatabaseUnavailable('no free connection') }, 'so is one that is too much for it')
  t.strictSame((await run('select pg_backend_pid() as id'))[0], before, 'and it is kept again')
})

t.test('a statement that was answered 503 before it was sent is never sent', async (t) => {
  const ada = await memberOf(main)
  server.treat('stall')
  server.cut()
  const answers = Array.from({ length: 9 }, async () => ada.call('POST', '/api/tasks', { body: { title: 'Too late' } }))
  await isOutage(t, ...answers)
  server.treat('pass')
  // Time for what the driver still has in its queues.
  await new Promise((resolve) => { setTimeout(resolve, 2000) })
  t.match((await ada.call('GET', '/api/tasks')).body, { total: 0 })
})

t.test('a database that does not answer any more is 503 within the deadline', async (t) => {
  const ada = await memberOf(main)
  void server.silence()
  server.refuse()
  const pings = Promise.allSettled([database.ping(), database.ping()])
  const answer = ada.call('GET', '/api/tasks')
  t.not(await inTime(answer), 'too late')
  t.match(await pings, [{ reason: { constructor: DatabaseUnavailable } }, { reason: { constructor: DatabaseUnavailable } }])
  await isOutage(t, answer)
  await server.accept()
  t.equal((await ada.call('GET', '/api/tasks')).status, 200, 'and it is back when it can be reached, though the old connections stay silent')
})

t.test('a port that hangs up on every connection does not hold up the start', async (t) => {
  t.match(await inTime(startOfHungUp), { constructor: DatabaseUnavailable })
  hangingUp.treat('pass')
  await t.resolves(hungUp.start())
  await hungUp.close()
  hangingUp.refuse()
})

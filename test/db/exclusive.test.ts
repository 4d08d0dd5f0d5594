import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import t from 'tap'
import { DatabaseUnavailable, MigrationRunning, QueryFailed } from '../../src/db/errors.js'
import { parseConnectionString } from '../../src/db/connection-string.js'
import { exclusively } from '../../src/db/exclusive.js'
import { sessionOptions } from '../../src/db/session.js'
import { serverUrl } from '../support/database.js'
import { postgresServer } from '../support/wire.js'

const server = await postgresServer(t)
const session = sessionOptions(parseConnectionString(server.url), 2000, 0)
const times = { connectTimeout: 2000, patience: 0, silence: 5000 }
const open = () => postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })

/** As version 1.0 did, on a connection that then does nothing. */
const lockOf1 = async (holder: postgres.Sql) => holder`select pg_advisory_lock(${0x746f646f}::bigint)`

t.test('what is done exclusively is done as one transaction, of which nothing stays when it fails', async (t) => {
  const client = open()
  t.teardown(async () => { await client.end() })
  t.equal(await exclusively(session, times, async (tx) => {
    await tx.execute(sql`create table first (id int)`)
    return 'done'
  }), 'done')
  await t.rejects(exclusively(session, times, async (tx) => {
    await tx.execute(sql`drop table first`)
    await tx.execute(sql`select 1 / 0`)
  }), { constructor: QueryFailed, message: /^migrations failed with 22012/ })
  t.strictSame([...await client`select * from first`], [])
})

t.test('it takes as long as it takes, whatever the role allows', { skip: !serverUrl && 'the embedded database does one thing at a time' }, async (t) => {
  const shown = await exclusively(session, { ...times, silence: 100 }, async (tx) => {
    await tx.execute(sql`select pg_sleep(1)`)
    return await tx.execute(sql`select current_setting('statement_timeout') as s, current_setting('lock_timeout') as l`)
  })
  t.strictSame([...shown], [{ s: '0', l: '5s' }])
})

t.test('one at a time', async (t) => {
  let inside = 0
  const enter = async () => exclusively(session, { ...times, patience: 60_000 }, async (tx) => {
    t.equal(++inside, 1)
    await tx.execute(sql`select pg_sleep(0.01)`)
    inside--
  })
  await Promise.all([enter(), enter(), enter()])
})

t.test('another process is waited for as long as the patience lasts, also one of version 1.0', async (t) => {
  const holder = open()
  await lockOf1(holder)
  await t.rejects(exclusively(session, { ...times, patience: 300 }, async () => {}), new MigrationRunning())
  const waiting = exclusively(session, { ...times, patience: 60_000 }, async () => 'done')
  await holder.end()
  t.equal(await waiting, 'done')
})

t.test('a lock that version 1.0 has left on a pooled connection counts no longer than 30 s', { skip: !serverUrl && 'needs pg_locks' }, async (t) => {
  const holder = open()
  t.teardown(async () => { await holder.end() })
  await lockOf1(holder)
  await t.rejects(exclusively(session, times, async () => {}), new MigrationRunning())
  // The connection's last statement is as long ago as that.
  await t.resolves(exclusively(session, { ...times, patience: 9000, leftBehind: 500 }, async () => {}))
  await holder.unsafe('begin')
  await t.rejects(exclusively(session, { ...times, patience: 1000, leftBehind: 500 }, async () => {}), new MigrationRunning(),
    'one that is in a transaction counts')
})

t.test('our own lock ends with the transaction, on whatever connection', async (t) => {
  await exclusively(session, times, async () => {})
  const client = open()
  t.teardown(async () => { await client.end() })
  t.strictSame([...await client`select pid from pg_locks where locktype = 'advisory'
    and pg_locks.database = (select oid from pg_database where datname = current_database())`], [])
})

t.test('a connection that goes dark is given up, and the next one works', async (t) => {
  const soon = { ...times, connectTimeout: 500, silence: 1000 }
  const goDark = async () => exclusively(session, soon, async (tx) => {
    void server.silence()
    await tx.execute(sql`select 1`)
  })
  await t.rejects(goDark(), new DatabaseUnavailable('no answer'), 'PostgreSQL says that it does nothing for us')
  server.cut()
  await t.resolves(exclusively(session, { ...times, patience: 30_000 }, async () => {}))

  await t.rejects(exclusively(session, soon, async (tx) => {
    void server.silence()
    server.refuse()
    await tx.execute(sql`select 1`)
  }), new DatabaseUnavailable('no answer'), 'or is gone')
  server.cut()
  await server.accept()

  server.treat('stall')
  await t.rejects(exclusively(session, { ...times, connectTimeout: 60_000, silence: 300 }, async () => {}),
    new DatabaseUnavailable('no answer'), 'or has never said anything')
  server.treat('pass')
})

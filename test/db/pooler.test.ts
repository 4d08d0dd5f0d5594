import t from 'tap'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { cancelling } from '../../src/db/cancel.js'
import { socketsTo } from '../../src/db/socket.js'
import { parseConnectionString } from '../../src/db/connection-string.js'
import { connectTo, sqlOn } from '../support/database.js'
import { poolerTo } from '../support/pooler.js'
import { teardown } from '../support/teardown.js'
import { until } from '../support/until.js'
import { postgresServer } from '../support/wire.js'

/* What test/faults/pooler.test.ts tries with PgBouncer. */

const server = await postgresServer(t)
const pooler = await poolerTo(t, server.url)
const behind = { DATABASE_POOLER: 'transaction', DATABASE_POOL_SIZE: '1', DATABASE_STATEMENT_TIMEOUT: '1000', DATABASE_MIGRATION_URL: server.url }

t.test('a pooler that nobody has told of is told by what it refuses, or drops', async (t) => {
  const unaware = connectTo(pooler.url)
  await t.rejects(unaware.start(), new DatabaseUnavailable('08P01: a pooler refuses settings; set DATABASE_POOLER=transaction'))
  pooler.treat('drop')
  await t.rejects(unaware.start(), { message: /\(a pooler drops settings, .*statement_timeout = '2000'; set DATABASE_POOLER=transaction\)/ })
  await unaware.close()
  pooler.treat('refuse')
})

const database = connectTo(pooler.url, behind)
teardown(t, async () => { await database.close() })

for (const prepare of ['on', 'off']) {
  const own = prepare === 'on' ? database : connectTo(pooler.url, { ...behind, DATABASE_PREPARE: prepare })
  if (own !== database) teardown(t, async () => { await own.close() })
  t.test(`behind a pooler, with DATABASE_PREPARE=${prepare}`, async (t) => {
    await until('it has started', async () => own.start().then(() => true, () => false))
    const ask = async (n: number) => (await sqlOn(own)<{ n: number }>('select $1::int as n', [n]))[0]?.n
    t.equal(await ask(1), 1, 'it migrates past it, and works through it')

    pooler.hold(1)
    await t.rejects(ask(2), new DatabaseUnavailable('57014'), 'what takes too long is cancelled')
    const { known } = pooler.requests()
    pooler.hold(2)
    t.match(await Promise.allSettled([ask(3), ask(4)]), [{ reason: new DatabaseUnavailable('57014') }, { status: 'rejected' }], 'one by one')
    await until('both are cancelled', () => pooler.requests().known === known + 2)
    t.equal(await ask(5), 5, 'and the connection goes on')

    pooler.cancelNext()
    t.equal(await ask(6), 6, 'what a request meets that was for another is done all the same')
  })
}

t.test('what the role prefers is told when the statements rely upon something else', async (t) => {
  pooler.prefer('bytea_output\0escape\0')
  const other = connectTo(pooler.url, behind)
  await t.rejects(other.start(), { message: /the role or the database has to have bytea_output = 'hex', which no pooler passes on/ })
  await other.close()
})

t.test('a request to cancel that reaches nobody is given up', async (t) => {
  const open = (port: number) => socketsTo(parseConnectionString(`postgres://127.0.0.1:${port}/todo?sslmode=disable`), 1000)
  await cancelling(open(1), 100)({ pid: 1, secret: 2 })
  server.treat('stall')
  const before = server.connections()
  await cancelling(open(Number(new URL(server.url).port)), 50)({ pid: 1, secret: 2 })
  server.treat('pass')
  t.equal(server.connections(), before + 1)
})

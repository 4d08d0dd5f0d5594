import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { startSweeps } from '../../src/db/sweeps.js'
import { sweepOfEndings, sweepOfSessions } from '../../src/repositories/sweeps.js'
import { usersIn } from '../../src/repositories/users.js'
import { cleanDatabase, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'
import { until } from '../support/until.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
const sql = sqlOn(database)
const person = async () => (await usersIn(database).create({ email: `${randomUUID()}@example.com`, name: 'Ada', hash: 'x' }))!.id
interface Ages { used?: number, created?: number, version?: number }
const session = async (owner: string, { used = 0, created, version = 0 }: Ages = {}) => {
  const id = randomUUID()
  await sql(`insert into todo.sessions (owner_id, id, password_version, created_at, last_used_at)
    values ($1, $2, $3, now() - $4 * interval '1 day', now() - $5 * interval '1 day')`, [owner, id, version, created ?? used, used])
  return id
}
const sessions = async () => (await sql<{ id: string }>('select id from todo.sessions')).map(({ id }) => id).sort()
const endings = async () => (await sql<{ id: string }>('select session_id as id from todo.endings')).map(({ id }) => id).sort()
const lines: object[] = []
const line = (facts: object, message: string) => { lines.push({ ...facts, message }) }
const log = { info: line, warn: line }

t.test('sessions go that were idle or have lived for too long, or that a changed password has left; only these end', async (t) => {
  const [ada, eve, bob] = [await person(), await person(), await person()]
  const kept = [await session(ada), await session(ada, { used: 29, created: 364 }), await session(bob, { version: 3 })]
  for (const times of [{ used: 31 }, { used: 1, created: 366 }, { used: 400 }]) await session(ada, times)
  await sql('update todo.users set password_version = 3 where id = $1', [bob])
  const outdated = [await session(bob, { version: 2 }), await session(bob, { version: 0, used: 31 })]
  await session(eve, { used: 31 })
  const stop = startSweeps(database, [sweepOfSessions(30, 365)], log, 1)
  await until('all are swept', async () => (await sessions()).length === kept.length)
  await until('it is told', () => lines.length > 0)
  await stop()
  t.strictSame(await sessions(), kept.sort())
  t.strictSame(await endings(), outdated.sort())
  t.strictSame(lines, [{ sweep: 'sessions', removed: 6, message: 'swept' }])
})

t.test("everybody's sessions are looked at, however many there are, in small statements", async (t) => {
  await sql(`insert into todo.users (id, email, name, password_hash)
    select gen_random_uuid(), n || '@example.com', 'User', 'x' from generate_series(1, 1100) n`)
  await sql('insert into todo.task_lists (owner_id) select id from todo.users on conflict do nothing')
  await sql(`insert into todo.sessions (owner_id, id, password_version, last_used_at)
    select id, gen_random_uuid(), 0, now() - n * interval '31 days' from todo.users, generate_series(0, 1) n where name = 'User'`)
  let most = 0
  const watched: Database = {
    ...database,
    async run (statement, values) {
      const rows = await database.run(statement, values)
      most = Math.max(most, rows.length)
      return rows
    }
  }
  const before = (await sessions()).length
  const stop = startSweeps(watched, [sweepOfSessions(30, 365)], log, 1)
  await until('half are swept', async () => (await sessions()).length === before - 1100)
  await stop()
  t.equal(most, 500)
})

t.test('an ending is kept for 25 hours: longer than an access token can live', async (t) => {
  await sql('delete from todo.endings')
  await sql("insert into todo.endings (session_id, ended_at) select gen_random_uuid(), now() - interval '26 hours' from generate_series(1, 1100)")
  const [young, old] = [randomUUID(), randomUUID()]
  await sql("insert into todo.endings (session_id, ended_at) values ($1, now() - interval '24 hours 50 minutes'), ($2, now() - interval '25 hours 10 minutes')", [young, old])
  lines.length = 0
  const stop = startSweeps(database, [sweepOfEndings], log, 1)
  await until('it is told', () => lines.length > 0)
  await stop()
  t.strictSame(await endings(), [young])
  t.strictSame(lines, [{ sweep: 'endings', removed: 1101, message: 'swept' }])
})

t.test('what ends a walk waits for the statement that is running, and none comes after it', async (t) => {
  let statements = 0
  let stop = async () => {}
  let ended: Promise<void> | undefined
  const watched: Database = {
    ...database,
    async run (statement, values) {
      statements++
      ended ??= stop()
      return await database.run(statement, values)
    }
  }
  for (const sweep of [sweepOfSessions(30, 365), sweepOfEndings]) {
    statements = 0
    ended = undefined
    stop = startSweeps(watched, [sweep], log, 1)
    await until('it runs', () => ended !== undefined)
    await ended!
    t.equal(statements, 1, sweep.name)
  }
})

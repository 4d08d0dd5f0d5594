import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { startSweeps } from '../../src/db/sweeps.js'
import { tasksOf } from '../../src/repositories/owned-tasks.js'
import { sweepOfChanges, sweepOfKeys } from '../../src/repositories/sweeps.js'
import { usersIn } from '../../src/repositories/users.js'
import { cleanDatabase, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
const sql = sqlOn(database)

/** Somebody with changes of so many days ago, oldest first, the first that of signing up; and a key of each. */
async function person (...days: number[]): Promise<string> {
  const { id } = (await usersIn(database).create({ email: `${randomUUID()}@example.com`, name: 'Ada', hash: 'x' }))!
  for (const n of days.keys()) if (n > 0) await tasksOf(database, id).createOnce(`key ${n}`, { title: `Task ${n}`, description: null })
  for (const [n, ago] of days.entries()) {
    await sql("update todo.task_changes set changed_at = now() - $3 * interval '1 day' where owner_id = $1 and revision = $2", [id, n, ago])
    await sql("update todo.idempotency_keys set created_at = now() - $3 * interval '1 day' where owner_id = $1 and revision = $2", [id, n, ago])
  }
  return id
}

const changes = async (owner: string) =>
  (await sql<{ revision: number }>('select revision from todo.task_changes where owner_id = $1 order by 1', [owner])).map(({ revision }) => revision)
const keys = async (owner: string) =>
  (await sql<{ key: string }>('select key from todo.idempotency_keys where owner_id = $1 order by 1', [owner])).map(({ key }) => key)

/** A log, and what waits for its next line. */
function listen () {
  const lines: unknown[] = []
  let heard = () => {}
  const line = (facts: object, message: string) => {
    lines.push({ ...facts, message })
    heard()
  }
  return { info: line, warn: line, lines, next: async () => new Promise<void>((resolve) => { heard = resolve }) }
}

t.test('a change goes when the one after it is too old, a key when it is itself, and the log says how many', async (t) => {
  const people = {
    active: await person(200, 120, 100, 80, 1),
    old: await person(400, 300, 200),
    new: await person(1, 0),
    idle: await person(500)
  }
  const log = listen()
  const stop = startSweeps(database, [sweepOfChanges(90), sweepOfKeys(30)], log, 1)
  while (log.lines.length < 2) await log.next()
  await stop()
  t.strictSame(await changes(people.active), [2, 3, 4], 'whoever has seen the newest change of 90 days ago finds the next one')
  t.strictSame(await changes(people.old), [2], 'the newest of an owner stays')
  t.strictSame(await changes(people.new), [0, 1])
  t.strictSame(await changes(people.idle), [0])
  t.strictSame(await keys(people.active), ['key 4'])
  t.strictSame(await keys(people.old), [])
  t.strictSame(await keys(people.new), ['key 1'])
  t.strictSame(log.lines, [
    { sweep: 'task changes', removed: 4, message: 'swept' }, { sweep: 'idempotency keys', removed: 5, message: 'swept' }
  ])
  t.strictSame(await sql('select count(*)::int as n from todo.tasks'), [{ n: 7 }], 'the tasks are all there')
})

t.test('many rows are removed in small statements, by any number of processes at once', async (t) => {
  const owner = await person(400)
  await sql(`insert into todo.task_changes (owner_id, revision, changed_at)
    select $1, n, now() - interval '300 days' from generate_series(1, 1200) n`, [owner])
  await sql('update todo.task_lists set revision = 1200 where owner_id = $1', [owner])
  const largest = { rows: 0 }
  const watched: Database = {
    ...database,
    async run (statement, values) {
      const rows = await database.run(statement, values)
      largest.rows = Math.max(largest.rows, rows.length)
      return rows
    }
  }
  const log = listen()
  const stops = Array.from({ length: 4 }, () => startSweeps(watched, [sweepOfChanges(90)], log, 1))
  while ((await changes(owner)).length > 1) await new Promise((resolve) => { setTimeout(resolve, 10) })
  await Promise.all(stops.map(async (stop) => stop()))
  t.strictSame(await changes(owner), [1200])
  t.equal((log.lines as Array<{ removed: number }>).reduce((sum, { removed }) => sum + removed, 0), 1200)
  t.ok(largest.rows <= 500)
})

t.test('everybody is looked at, however many there are', async (t) => {
  await sql('delete from todo.users')
  await sql(`insert into todo.users (id, email, name, password_hash)
    select gen_random_uuid(), n || '@example.com', 'User', 'x' from generate_series(1, 1100) n`)
  await sql('insert into todo.task_lists (owner_id, revision) select id, 1 from todo.users')
  await sql("insert into todo.task_changes select id, n, null, now() - interval '200 days' from todo.users, generate_series(0, 1) n")
  await sql("insert into todo.idempotency_keys select id, 'key', '', id, now() - interval '200 days', 1 from todo.users")
  const log = listen()
  const stop = startSweeps(database, [sweepOfChanges(90), sweepOfKeys(30)], log, 1)
  while (log.lines.length < 2) await log.next()
  await stop()
  t.strictSame(log.lines, [
    { sweep: 'task changes', removed: 1100, message: 'swept' }, { sweep: 'idempotency keys', removed: 1100, message: 'swept' }
  ])
  await sql('delete from todo.users')
})

t.test('a database that is away is told, and asked again', async (t) => {
  const owner = await person(400, 300)
  let away = true
  const log = listen()
  const shaky: Database = {
    ...database,
    async run (statement, values) {
      if (away) throw new DatabaseUnavailable('away')
      return await database.run(statement, values)
    }
  }
  const stop = startSweeps(shaky, [sweepOfChanges(90)], log, 1)
  await log.next()
  away = false
  while ((await changes(owner)).length > 1) await new Promise((resolve) => { setTimeout(resolve, 10) })
  await stop()
  t.strictSame(log.lines[0], { sweep: 'task changes', reason: 'The database is unavailable (away)', message: 'not swept' })
  await stop()
})

t.test('what ends it waits for the statement that is running, and none comes after it', async (t) => {
  await person(400, 300, 200)
  await person(400, 300, 200)
  let statements = 0
  let stop = async () => {}
  let ended = Promise.resolve()
  const log = listen()
  const watched: Database = {
    ...database,
    async run (statement, values) {
      statements++
      if (statement.name === 'sweep.changes.remove') ended = stop()
      return await database.run(statement, values)
    }
  }
  stop = startSweeps(watched, [sweepOfChanges(90)], log, 1)
  await log.next()
  await ended
  t.equal(statements, 2, 'one question, one removal')
  t.match(log.lines, [{ removed: 2 }])
})

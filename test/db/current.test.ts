import t from 'tap'
import { isCurrent } from '../../src/db/current.js'
import { DatabaseUnavailable, QueryFailed } from '../../src/db/errors.js'
import { connectTo, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'
import { postgresServer } from '../support/wire.js'

const { url } = await postgresServer(t)
// One connection, so that what a session is told holds for the next statement, too.
const database = connectTo(url, { DATABASE_POOL_SIZE: '1' })
await database.start()
teardown(t, async () => { await database.close() })
const sql = sqlOn(database)

t.test('a role that may not read the list of migrations takes the tables for it', async (t) => {
  await sql('create role reader')
  await sql('grant usage on schema todo to reader')
  await sql('grant select on todo.users, todo.task_lists, todo.task_changes, todo.tasks, todo.idempotency_keys, todo.sessions, todo.endings to reader')
  await sql('set role reader')
  t.equal(await isCurrent(database.run), true)
  await sql('reset role')
  await sql('drop owned by reader')
  await sql('drop role reader')
})

t.test('tables without their foreign keys are those of a restore that is not finished', async (t) => {
  await sql('alter table todo.tasks rename constraint tasks_owner_id_fkey to later')
  await t.rejects(isCurrent(database.run), new DatabaseUnavailable('restore not finished, without the keys tasks_owner_id_fkey'))
  await sql('alter table todo.tasks rename constraint later to tasks_owner_id_fkey')
  t.equal(await isCurrent(database.run), true)
})

t.test('whatever else keeps it from reading the list is told', async (t) => {
  await sql('alter table todo.__drizzle_migrations rename to kept')
  await sql('create view todo.__drizzle_migrations as select 1 / (id - id) as created_at from todo.kept')
  await t.rejects(isCurrent(database.run), { constructor: QueryFailed, message: /22012/ })
  await sql('drop view todo.__drizzle_migrations')
  await sql('alter table todo.kept rename to __drizzle_migrations')
})

t.test('tables that a newer version has yet to change are to be migrated', async (t) => {
  await sql('create temporary table kept as select * from todo.__drizzle_migrations')
  await sql('delete from todo.__drizzle_migrations where created_at = (select max(created_at) from kept)')
  t.equal(await isCurrent(database.run), false)
  await sql('delete from todo.__drizzle_migrations')
  await sql('insert into todo.__drizzle_migrations select * from kept')
  t.equal(await isCurrent(database.run), true)
})

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DatabaseUnavailable, QueryFailed } from '../../src/db/errors.js'
import { keepStarted } from '../../src/db/keep-started.js'
import { PASSWORD, startApp } from '../helper.js'
import { connectTo, serverUrl, sqlOn } from '../support/database.js'
import { until } from '../support/until.js'
import { operatorOf } from '../support/roles.js'
import { postgresServer } from '../support/wire.js'

const server = await postgresServer(t)
const database = connectTo(server.url)
const { operate, role } = operatorOf(server)
const { call, signUp } = await startApp(t, { database })
const lines: Array<[text: string, reason?: string]> = []
const log = {
  info: (text: string) => { lines.push([text]) },
  warn: ({ reason }: { reason?: string }, text: string) => { lines.push([text, reason!]) }
}
await keepStarted(database, log, (error) => { throw error })

const TABLES = 'todo.users, todo.task_lists, todo.tasks, todo.task_changes, todo.idempotency_keys, todo.sessions, todo.endings'

const isReady = async () => (await call('GET', '/ready')).status === 200
const outage = { detail: 'Service unavailable', status_code: 503 }

/** Nothing but 503 while something is missing, and all is well again without a restart. */
async function heals (t: Test, token: string, mend = async () => {}): Promise<void> {
  const signup = { email: 'ada@example.com', password: PASSWORD, name: 'Ada' }
  for (const answer of [
    await call('GET', '/ready'), await call('GET', '/api/tasks', { token }), await call('POST', '/api/auth/signup', { body: signup })
  ]) t.strictSame([answer.status, answer.body], [503, outage])
  t.equal((await call('GET', '/health')).status, 200)
  await mend()
  await until('it is ready', isReady)
  t.ok(await isReady())
  const person = await signUp()
  await person.add('New')
  t.match((await person.call('GET', '/api/tasks')).body, { total: 1 })
}

t.test('a database that has been emptied is 503, and is migrated again without a restart', async (t) => {
  const ways = {
    'the schema dropped': 'drop schema todo cascade',
    'and made again': 'drop schema todo cascade; create schema todo',
    'all tables dropped': 'drop table todo.endings, todo.sessions, todo.idempotency_keys, todo.task_changes, todo.tasks, todo.task_lists, todo.users, todo.compatibility',
    'those with something to lose dropped': 'drop table todo.tasks, todo.task_lists, todo.users cascade'
  }
  for (const [way, text] of Object.entries(ways)) {
    await t.test(way, async (t) => {
      const ada = await signUp('Ada')
      lines.length = 0
      await operate(text)
      await heals(t, ada.token)
      t.equal((await call('GET', '/api/auth/me', { token: ada.token })).status, 401, 'whoever was there is gone')
      t.match(lines, [['database not started; trying again', 'The database is unavailable (tables missing)'], ['database started']])
      t.equal(lines.length, 2, 'the log says so in a line, and when it is over')
    })
  }
})

t.test('a database of which a part is missing is 503 until the rest is there', async (t) => {
  const ada = await signUp('Ada')
  await operate('alter table todo.tasks rename to elsewhere')
  await heals(t, ada.token, async () => {
    const other = connectTo(server.url, { DATABASE_POOL_SIZE: '1' })
    await t.rejects(other.start(), new DatabaseUnavailable('tables missing'), 'what is left is not touched')
    await other.close()
    await operate('alter table todo.elsewhere rename to tasks')
  })

  await operate('alter table todo.users rename column name to called')
  t.equal((await ada.call('GET', '/api/auth/me')).status, 503, 'a column, too')
  await operate('alter table todo.users rename column called to name')
  await until('it is ready', isReady)

  t.equal((await ada.call('GET', '/api/auth/me')).status, 200)
})

t.test('a database without the keys between its tables is one that a restore has not finished', async (t) => {
  await operate('alter table todo.tasks drop constraint tasks_owner_id_fkey')
  const other = connectTo(server.url, { DATABASE_POOL_SIZE: '1' })
  t.teardown(async () => { await other.close() })
  await t.rejects(other.start(), new DatabaseUnavailable('restore not finished, without the keys tasks_owner_id_fkey'))
  await operate(`alter table todo.tasks add constraint tasks_owner_id_fkey
    foreign key (owner_id) references todo.task_lists (owner_id) on delete cascade`)
  await t.resolves(other.start())
})

t.test('a statement that names what has never been there is a bug, and takes nothing down', async (t) => {
  const sql = sqlOn(database)
  for (const [text, code] of [
    ['select * from nowhere', '42P01'], ['select nothing from todo.users', '42703'], ['select nothing()', '42883'], ['select * from no.where', '42P01']
  ] as const) {
    await t.rejects(sql(text), { constructor: QueryFailed, message: new RegExp(`^test failed with ${code}`) }, text)
    t.ok(await isReady())
  }
})

t.test('a role that may only read and write rows serves a migrated database', async (t) => {
  const { name, connect } = await role(t)
  await t.rejects(connect().start(), new DatabaseUnavailable('42501'), 'one that may do nothing is an outage')
  await operate(`grant usage on schema todo to ${name}; grant select, insert, update, delete on ${TABLES} to ${name}`)
  for (const more of ['', `grant select on todo.__drizzle_migrations, todo.compatibility to ${name}`]) {
    await operate(more)
    const served = connect()
    await served.start()
    const { signUp } = await startApp(t, { database: served })
    const person = await signUp()
    await person.add('Allowed')
    t.match((await person.call('GET', '/api/tasks')).body, { total: 1 })
  }
})

t.test('a role that may create nothing waits for somebody who migrates', async (t) => {
  const { name, connect } = await role(t)
  await operate('drop schema todo cascade')
  const waiting = connect()
  await t.rejects(waiting.start(), new DatabaseUnavailable('42501'))
  await until('it is ready', isReady)
  await operate(`grant usage on schema todo to ${name}; grant select on ${TABLES} to ${name}`)
  await t.resolves(waiting.start())
})

t.test('a version before the migrations of a later one goes on', async (t) => {
  await operate("insert into todo.__drizzle_migrations (hash, created_at) values ('later', 9999999999999)")
  const other = connectTo(server.url, { DATABASE_POOL_SIZE: '1' })
  t.teardown(async () => { await other.close() })
  await t.resolves(other.start())
  await operate("delete from todo.__drizzle_migrations where hash = 'later'")
})

const needsServer = { skip: !serverUrl && 'the embedded database is no server' }

t.test('a role with as many connections as the pool migrates and serves', needsServer, async (t) => {
  const { name, connect } = await role(t, 'connection limit 1')
  await operate('drop schema todo cascade')
  await operate(`do $$ begin execute format('grant create on database %I to ${name}', current_database()); end $$`)
  const one = connect({ DATABASE_POOL_SIZE: '1' })
  await until('it starts', async () => one.start().then(() => true, () => false))
  await t.resolves(one.ping())
})

t.test('a database that is dropped, made anew and restored', needsServer, async (t) => {
  const direct = new URL(serverUrl!)
  direct.pathname = new URL(server.url).pathname
  const name = direct.pathname.slice(1)
  const dump = join(t.testdir(), 'dump')
  await operate('drop schema if exists public, drizzle cascade; create schema public')
  await until('it is ready', isReady)
  const ada = await signUp('Ada')
  await ada.add('Kept')
  const pg = (program: string, ...args: string[]) => { execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] }) }
  pg('pg_dump', '-Fc', '-f', dump, direct.href)

  await operate(`drop database ${name} with (force)`, serverUrl)
  await heals(t, ada.token, async () => { await operate(`create database ${name}`, serverUrl) })
  t.equal((await ada.call('GET', '/api/tasks')).status, 401, 'made anew, it is empty')

  await operate(`drop database ${name} with (force)`, serverUrl)
  await operate(`create database ${name}`, serverUrl)
  await heals(t, ada.token, async () => { pg('pg_restore', '--exit-on-error', '-d', direct.href, dump) })
  t.match((await ada.call('GET', '/api/tasks')).body, { total: 1, tasks: [{ title: 'Kept' }] })

  await operate('drop schema todo cascade')
  await heals(t, ada.token, async () => { pg('pg_restore', '--single-transaction', '--exit-on-error', '-d', direct.href, dump) })
  t.match((await ada.call('GET', '/api/tasks')).body, { total: 1, tasks: [{ title: 'Kept' }] })

  pg('pg_restore', '--clean', '--if-exists', '--single-transaction', '--exit-on-error', '-d', direct.href, dump)
  t.match((await ada.call('GET', '/api/tasks')).body, { total: 1, tasks: [{ title: 'Kept' }] }, 'over what is there, in one transaction')
})

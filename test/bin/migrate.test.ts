import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import postgres from 'postgres'
import t from 'tap'
import { connectEmbedded } from '../../src/db/embedded.js'
import { DatabaseUnavailable, QueryFailed } from '../../src/db/errors.js'
import * as tables from '../../src/db/tables.js'
import { connectTo, serverUrl } from '../support/database.js'
import { migratedDump } from '../support/dump.js'
import { start } from '../support/process.js'
import { postgresServer } from '../support/wire.js'

const json = async (path: string) => JSON.parse(await readFile(new URL(`../../drizzle/meta/${path}`, import.meta.url), 'utf8'))
const { entries: migrations } = await json('_journal.json') as { entries: Array<{ tag: string }> }

const TABLES = "select table_name as name from information_schema.tables where table_schema in ('public', 'todo') and table_name not like '\\_\\_%' order by 1"
const NAMES = ['compatibility', 'endings', 'idempotency_keys', 'sessions', 'task_changes', 'task_lists', 'tasks', 'users'].map((name) => ({ name }))
const APPLIED = 'select count(*)::int as n from todo.__drizzle_migrations'

t.test('the tables are what the migrations make of them', async (t) => {
  const last = await json(`${migrations.at(-1)!.tag.slice(0, 4)}_snapshot.json`)
  t.strictSame(await generateMigration(last, generateDrizzleJson(tables, last.id)), [], 'npm run db:generate has nothing to add')
})

t.test('an embedded database in a folder that does not exist yet is made and migrated', async (t) => {
  const folder = join(t.testdir(), 'new/data')
  const { status, out, err } = await start(t, 'migrate.ts', t.testdirName, { DATABASE_URL: `pglite:${folder}` }).ended
  t.strictSame({ status, out, err }, { status: 0, out: `embedded PostgreSQL (PGlite) in ${folder} is up to date\n`, err: '' })
  const client = await PGlite.create(folder)
  t.strictSame((await client.query(TABLES)).rows, NAMES)
  t.strictSame((await client.query(APPLIED)).rows, [{ n: migrations.length }])
  await client.close()
})

const server = await postgresServer(t)

t.test('five that start at once on an empty PostgreSQL all come up, on one set of tables', async (t) => {
  const databases = Array.from({ length: 5 }, () => connectTo(server.url, { DATABASE_POOL_SIZE: '1' }))
  t.teardown(async () => { await Promise.all(databases.map(async (database) => database.close())) })
  await Promise.all(databases.map(async (database) => database.start()))
  await isMigratedOnce(t, server.url)
})

t.test('a migration that fails is told by its statement and code, leaves nothing behind, and works once it can', async (t) => {
  const client = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })
  const database = connectTo(server.url, { DATABASE_POOL_SIZE: '1' })
  t.teardown(async () => { await Promise.all([client.end(), database.close()]) })
  await client.unsafe('drop schema todo cascade; create schema todo; create table todo.task_lists (of_another text)')
  const error: unknown = await database.start().catch((error: unknown) => error)
  t.match(error, { constructor: QueryFailed, message: /^migrations failed with 42P07 \(\w+\)$/ })
  t.strictSame([...await client.unsafe(TABLES)], [{ name: 'task_lists' }])
  await t.rejects(database.ping(), new DatabaseUnavailable('not started'))
  await client.unsafe('drop table todo.task_lists')
  await database.start()
  await isMigratedOnce(t, server.url)
})

t.test('processes that start at once on an empty PostgreSQL all come up, too', async (t) => {
  const client = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })
  await client.unsafe('drop schema todo cascade')
  await client.end()
  // Without a server, two are enough to see it run: the test above is the race.
  const folder = t.testdir()
  const processes = Array.from({ length: serverUrl ? 5 : 2 }, () => start(t, 'migrate.ts', folder, { DATABASE_URL: server.url }))
  for (const { ended } of processes) {
    const { status, out, err } = await ended
    const { host, pathname } = new URL(server.url)
    t.strictSame({ status, out, err }, { status: 0, out: `PostgreSQL at ${host}${pathname} is up to date\n`, err: '' })
  }
  await isMigratedOnce(t, server.url)
})

async function isMigratedOnce (t: { strictSame: (a: unknown, b: unknown) => unknown }, url: string): Promise<void> {
  const client = postgres(url, { max: 1, fetch_types: false })
  t.strictSame([...await client.unsafe(TABLES)], NAMES)
  t.strictSame([...await client.unsafe(APPLIED)], [{ n: migrations.length }])
  await client.end()
}

t.test('a database that is not there is one line and status 1', async (t) => {
  const { status, out, err } = await start(t, 'migrate.ts', t.testdir(), { DATABASE_URL: 'postgres://ada:s3cret@127.0.0.1:1/todo' }).ended
  t.strictSame({ status, out, err }, { status: 1, out: '', err: 'The database is unavailable (ECONNREFUSED)\n' })
})

t.test('another process that migrates is waited for, and after the time of the setting that is one line and status 1', async (t) => {
  const { host, pathname } = new URL(server.url)
  const label = `PostgreSQL at ${host}${pathname}`
  const holder = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })
  await holder.unsafe('drop schema todo cascade')
  // As version 1.0 does.
  await holder`select pg_advisory_lock(${0x746f646f}::bigint)`
  const waits = `${label}: waiting for another process that migrates\n`
  const hasty = start(t, 'migrate.ts', t.testdir(), { DATABASE_URL: server.url, DATABASE_MIGRATION_TIMEOUT: '100' })
  const patient = start(t, 'migrate.ts', t.testdirName, { DATABASE_URL: server.url })
  t.strictSame(await hasty.ended, { status: 1, signal: null, out: '', err: 'The database is unavailable (another process migrates)\n' })
  await patient.says(/waiting/)
  await holder.end()
  t.strictSame(await patient.ended, { status: 0, signal: null, out: `${waits}${label} is up to date\n`, err: '' })
  await isMigratedOnce(t, server.url)
})

t.test('totals that somebody has made wrong by hand are counted anew', async (t) => {
  const client = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })
  t.teardown(async () => { await client.end() })
  await client.unsafe("insert into todo.users (id, email, name, password_hash) values ('00000000-0000-7000-8000-000000000001', 'ada@example.com', 'Ada', 'x')")
  await client.unsafe('insert into todo.task_lists (owner_id, open) select id, 2 from todo.users')
  await client.unsafe("insert into todo.tasks (id, owner_id, title) select gen_random_uuid(), id, 'New' from todo.users")
  const settings = { DATABASE_URL: server.url }
  t.match(await start(t, 'migrate.ts', t.testdir(), settings).ended, { status: 0, out: / is up to date; wrong totals corrected: 1\n$/, err: '' })
  t.strictSame([...await client.unsafe('select sum(open)::int as open from todo.task_lists')], [{ open: 1 }])
})

t.test('what an operator can mend is one line, what nobody foresaw is told with its stack, and both are status 1', async (t) => {
  const folder = t.testdir({ damaged: { PG_VERSION: 'none' } })
  const { status, out, err } = await start(t, 'migrate.ts', folder, { DATABASE_URL: `pglite:${folder}/damaged` }).ended
  t.match({ status, out, err }, { status: 1, out: '', err: /^The embedded database in \S+\/damaged cannot be opened \([^\n]+\n$/ })

  const other = connectEmbedded(`${folder}/other`, { dump: await migratedDump() })
  await other.start()
  await other.client().exec('drop table todo.__drizzle_migrations')
  await other.close()
  t.match(await start(t, 'migrate.ts', folder, { DATABASE_URL: `pglite:${folder}/other` }).ended, { status: 1, out: '', err: /\n +at / })
})

import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import postgres from 'postgres'
import t from 'tap'
import { DatabaseUnavailable, DatabaseUnfit } from '../../src/db/errors.js'
import { tasksOf } from '../../src/repositories/owned-tasks.js'
import { usersIn } from '../../src/repositories/users.js'
import { connectTo, createDatabase, serverUrl, sqlOn } from '../support/database.js'
import { start } from '../support/process.js'
import { postgresServer } from '../support/wire.js'

const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url))
const migrations = readMigrationFiles({ migrationsFolder })

/** A connection as version 1.0 had them. */
const connection = (url: string) =>
  postgres(url, { max: 1, fetch_types: false, onnotice: () => {}, connection: { application_name: 'todo-backend' } })
type Sql = ReturnType<typeof connection>

const ids = (n: number) => Array.from({ length: n }, () => randomUUID())
const users = ids(40)

/** A database that version 1.0 has made, migrated and used. */
async function firstVersion (sql: Sql): Promise<void> {
  await sql.unsafe('create schema drizzle')
  await sql.unsafe('create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)')
  await sql.unsafe("insert into drizzle.__drizzle_migrations (hash, created_at) values ('of another program', 1)")
  for (const { sql: statements, hash, folderMillis } of migrations.slice(0, 3)) {
    for (const statement of statements) await sql.unsafe(statement)
    await sql.unsafe('insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)', [hash, String(folderMillis)])
  }
  for (const [n, id] of users.entries()) {
    await sql.unsafe("insert into public.users (id, email, name, password_hash, created_at) values ($1, $2, 'Ada', 'x', $3)",
      [id, `${n}@example.com`, '2026-01-06T10:30:00.000Z'])
  }
  // The n-th has n tasks; some are done, some have a description, and no two the same time.
  await sql.unsafe(`insert into public.tasks (id, owner_id, title, description, is_completed, created_at, updated_at)
    select gen_random_uuid(), users.id, 'Größe ' || n, case when n % 2 = 0 then 'Text ' || n end, n % 3 = 0,
      timestamptz '2026-01-06Z' + n * interval '1 second', timestamptz '2026-02-06Z' + n * interval '1 second'
    from public.users, generate_series(1, split_part(email, '@', 1)::int) n`)
}

const TASKS = 'id, owner_id, title, description, is_completed, created_at, updated_at'
const USERS = 'id, email, name, password_hash, created_at'
const rows = async (sql: Sql, schema: string) => ({
  tasks: [...await sql.unsafe(`select ${TASKS} from ${schema}.tasks order by id`)],
  users: [...await sql.unsafe(`select ${USERS} from ${schema}.users order by id`)]
})

/** What a schema is made of, whoever made it. */
async function catalog (sql: Sql) {
  const of = "where connamespace = 'todo'::regnamespace"
  return {
    columns: [...await sql.unsafe(`select table_name, ordinal_position, column_name, udt_name, character_maximum_length, is_nullable,
      column_default, datetime_precision, generation_expression from information_schema.columns where table_schema = 'todo' order by 1, 2`)],
    constraints: [...await sql.unsafe(`select conname, conrelid::regclass::text as of, pg_get_constraintdef(oid) as said from pg_constraint ${of} order by 2, 1`)],
    indexes: [...await sql.unsafe("select indexdef from pg_indexes where schemaname = 'todo' order by 1")],
    others: [...await sql.unsafe("select relname, relkind, reloptions from pg_class where relnamespace = 'todo'::regnamespace order by 1")],
    triggers: [...await sql.unsafe('select tgname from pg_trigger where not tgisinternal')],
    functions: [...await sql.unsafe("select proname from pg_proc where pronamespace in ('todo'::regnamespace, 'public'::regnamespace)")]
  }
}

/** What version 1.0 sends, as its repositories wrote it: each for the user $1 and the task $2, where it has them. */
const ITS_STATEMENTS = [
  "insert into \"users\" (\"id\", \"email\", \"name\", \"password_hash\", \"created_at\") values (gen_random_uuid(), 'new@example.com', 'New', 'x', default) returning \"id\"",
  'select "id", "email", "name", "created_at" as "created_at" from "users" where "users"."id" = $1',
  'select "id", "password_hash" as "password_hash" from "users" where "users"."email" = \'1@example.com\'',
  'update "users" set "password_hash" = \'y\' where ("users"."id" = $1 and "users"."password_hash" = \'x\') returning "id"',
  'select "id", "title", (select coalesce(sum("task_counts"."open" + "task_counts"."done"), 0)::int from "task_counts" where "task_counts"."owner_id" = $1) as "total" from "tasks" where "tasks"."owner_id" = $1 order by "tasks"."created_at" desc, "tasks"."id" desc limit (select 1::bigint) offset (select 0::bigint)',
  'select "id", "title" from "tasks" where ("tasks"."owner_id" = $1 and ("tasks"."created_at", "tasks"."id") < (now(), $1)) order by "tasks"."created_at" desc, "tasks"."id" desc limit (select 1::bigint)',
  'select "id", "title" from "tasks" where ("tasks"."owner_id" = $1 and "tasks"."id" = $2)',
  'insert into "tasks" ("id", "owner_id", "title", "description", "is_completed", "created_at", "updated_at") values (gen_random_uuid(), $1, \'New\', null, default, default, default) returning "id"',
  'update "tasks" set "title" = \'New\', "description" = null, "updated_at" = greatest(clock_timestamp(), "tasks"."updated_at" + interval \'1 millisecond\') where ("tasks"."owner_id" = $1 and "tasks"."id" = $2) returning "id"',
  'update "tasks" set "is_completed" = not "tasks"."is_completed", "updated_at" = greatest(clock_timestamp(), "tasks"."updated_at" + interval \'1 millisecond\') where ("tasks"."owner_id" = $1 and "tasks"."id" = $2) returning "id"',
  'delete from "tasks" where ("tasks"."owner_id" = $1 and "tasks"."id" = $2) returning "id"',
  'select exists (select "id" from "tasks" where ("tasks"."id" = $2 and "tasks"."owner_id" <> $1)) as "foreign" from "users" where "users"."id" = $1'
]

/** Sends them all. @returns the code of each refusal, or null */
async function replay (sql: Sql, owner: string, task: string): Promise<Array<string | null>> {
  const codes: Array<string | null> = []
  for (const statement of ITS_STATEMENTS) {
    const values = statement.includes('$2') ? [owner, task] : statement.includes('$1') ? [owner] : []
    const refusal: unknown = await sql.unsafe(statement, values, { prepare: true }).then(() => null, (error: unknown) => error)
    codes.push(refusal === null ? null : (refusal as { code: string }).code)
  }
  return codes
}

const server = await postgresServer(t)

t.test('a database of version 1.0 keeps every user, task and time, and gets its totals and journals', async (t) => {
  const old = connection(server.url)
  await firstVersion(old)
  const before = await rows(old, 'public')
  const owner = users[9]!
  const [found] = await old.unsafe<Array<{ id: string }>>('select id from public.tasks where owner_id = $1', [owner])
  const task = found!.id
  // It is still there, in the middle of its work, when somebody migrates.
  t.ok((await replay(old, users[0]!, task)).every((code) => code === null), 'version 1.0 works')
  await old.unsafe("delete from public.users where email = 'new@example.com'")
  await old.unsafe("update public.users set password_hash = 'x'; delete from public.tasks where title = 'New'")
  t.strictSame(await rows(old, 'public'), before)

  const database = connectTo(server.url)
  const began = performance.now()
  await Promise.all([database.start(), t.resolves(old.unsafe('select 1').catch(() => {}))])
  t.comment(`${before.tasks.length} tasks in ${Math.round(performance.now() - began)} ms`)
  t.teardown(async () => { await Promise.all([database.close(), old.end(), fresh.end()]) })
  const fresh = connection(server.url)
  t.strictSame(await rows(fresh, 'todo'), before)
  const wrong = await fresh.unsafe(`select * from todo.users full join todo.task_lists on owner_id = id
    where revision is distinct from 0 or changed_at <> (select max(changed_at) from todo.task_lists)
      or open <> (select count(*) from todo.tasks where owner_id = users.id and not is_completed)
      or done <> (select count(*) from todo.tasks where owner_id = users.id and is_completed)`)
  t.strictSame([...wrong], [], 'a list for each, with its totals')
  const journal = await fresh.unsafe('select c.revision, task_id, c.changed_at = l.changed_at as same from todo.task_changes c full join todo.task_lists l using (owner_id)')
  t.strictSame([...journal], users.map(() => ({ revision: '0', task_id: null, same: true })), 'a journal with row 0 for each')
  t.strictSame([...await fresh.unsafe('select distinct revision, due_date from todo.tasks')], [{ revision: '0', due_date: null }])

  await t.test('version 1.0 on it gets errors, and changes nothing, whatever its role is called', async (t) => {
    for (const sql of [old, fresh]) {
      t.strictSame(await replay(sql, owner, task), ITS_STATEMENTS.map(() => '42P01'))
    }
    t.strictSame(await rows(fresh, 'todo'), before)
    const noted = await fresh.unsafe('select hash from drizzle.__drizzle_migrations order by id')
    t.strictSame(noted.map(({ hash }) => String(hash)), ['of another program', ...migrations.slice(0, 3).map(({ hash }) => hash)],
      'what it has noted stays: it does not begin again')
  })

  await t.test('a task of it is found, changed in a known state and counted', async (t) => {
    const tasks = tasksOf(database, owner)
    const found = (await tasks.find(task))!
    t.equal(found.revision, 0)
    t.equal((await tasks.list(1, 0, { q: 'GRÖSSE' }))!.total, 0)
    t.equal((await tasks.list(1, 0, { q: 'GRÖßE 1' }))!.total, 1)
    const version = { revision: 0, time: Date.parse(found.task.updated_at) }
    t.equal((await tasks.complete(task, !found.task.is_completed, [version]))!.revision, 1)
    t.equal(await tasks.complete(task, null, [version]), null)
    const { total } = (await tasks.list(1, 0, { completed: true }))!
    t.equal(total, 3 + (found.task.is_completed ? -1 : 1))
  })

  await t.test('its tables are those of a new database', async (t) => {
    const migrated = await catalog(fresh)
    await old.unsafe('drop schema todo, drizzle cascade')
    const other = connectTo(server.url)
    await other.start()
    const made = await catalog(fresh)
    t.strictSame(migrated, made)
    t.strictSame(made.triggers, [])
    t.strictSame(made.functions, [])
    t.strictSame([...await fresh.unsafe('select hash from todo.__drizzle_migrations order by id')].map(({ hash }) => String(hash)),
      migrations.map(({ hash }) => hash))
    await other.close()
  })
})

const NEWER = new DatabaseUnfit('a newer version of this server has migrated it: update this one')

t.test('a database that a newer version has made its own stops the start with one line', async (t) => {
  const database = connectTo(server.url)
  await database.start()
  await sqlOn(database)('insert into todo.compatibility values (2)')
  await t.rejects(connectTo(server.url).start(), NEWER)
  const folder = t.testdir()
  for (const program of ['migrate.ts', 'server.ts']) {
    const { status, err } = await start(t, program, folder, { DATABASE_URL: server.url }).ended
    t.strictSame({ status, err }, { status: 1, err: `${NEWER.message}\n` }, program)
  }
  await sqlOn(database)('delete from todo.compatibility where generation = 2')
  await sqlOn(database)("insert into todo.__drizzle_migrations (hash, created_at) values ('a later one', 9999999999999)")
  await t.resolves(connectTo(server.url).start(), 'one that only has more than is known is no reason')
  await database.close()
})

t.test('a role that may not create schemas is served where somebody has made it for it', { skip: !serverUrl && 'the embedded database has one role' }, async (t) => {
  const { url, drop } = await createDatabase(serverUrl!)
  const admin = connection(url)
  const role = `narrow_${randomUUID().slice(0, 8)}`
  await admin.unsafe(`create role ${role} login`)
  const its = new URL(url)
  its.username = role
  const database = connectTo(its.href)
  t.teardown(async () => {
    await database.close()
    await admin.end()
    await drop()
    const cluster = connection(serverUrl!)
    await cluster.unsafe(`drop role ${role}`)
    await cluster.end()
  })
  await t.rejects(database.start(), new DatabaseUnavailable('42501'), 'without the schema it cannot')
  await admin.unsafe(`create schema todo authorization ${role}`)
  await database.start()
  t.match(await usersIn(database).create({ email: 'ada@example.com', name: 'Ada', hash: 'x' }), { email: 'ada@example.com' })
  t.strictSame([...await admin.unsafe("select table_name from information_schema.tables where table_schema = 'public'")], [], 'and nothing is elsewhere')
})

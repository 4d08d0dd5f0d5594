import { fileURLToPath } from 'node:url'
import type { PGlite } from '@electric-sql/pglite'
import { sql, type SQL } from 'drizzle-orm'
import { root } from '../root.js'
import { exclusively, type Patience } from './exclusive.js'
import type { SessionOptions } from './session.js'

/** The generated migrations. */
const migrationsFolder = fileURLToPath(new URL('drizzle', root))

/** How many of the migrations are about the schema `public`, where version 1.0 was; the last of them moves its tables away. */
const IN_PUBLIC = 4

type Query = (statement: SQL) => Promise<Array<Record<string, unknown>>>

/** Does something in a transaction of its own. */
type Transaction = (work: (query: Query) => Promise<void>) => Promise<void>

/** Applies the pending migrations to a PostgreSQL: all of them, or none when one fails. @throws as `exclusively` */
export async function migratePostgres (session: SessionOptions, times: Patience): Promise<void> {
  await migrate(async (work) => await exclusively(session, times, async (tx) => {
    await work(async (statement) => [...await tx.execute(statement)])
  }))
}

/** Applies the pending migrations to an embedded database, which has one user by nature. */
export async function migrateEmbedded (client: PGlite): Promise<void> {
  const { drizzle } = await import('drizzle-orm/pglite')
  await migrate(async (work) => await drizzle(client).transaction(async (tx) => {
    await work(async (statement) => (await tx.execute(statement)).rows)
  }))
}

interface Migration { hash: string, folderMillis: number | string }

/** Drizzle's own would make the schema first, which a role may not that an administrator has made it for. */
async function migrate (transaction: Transaction): Promise<void> {
  const { readMigrationFiles } = await import('drizzle-orm/migrator')
  const migrations = readMigrationFiles({ migrationsFolder })
  await transaction(hideFromFirstVersion)
  await transaction(async (query) => {
    if (!await isListed(query)) {
      const applied = await appliedByFirstVersion(query, migrations.map(({ folderMillis }) => folderMillis))
      if (applied.length > 0) await cutOffFirstVersion(query)
      // A new database never was in public: what is about it counts as done.
      await beginList(query, applied.length > 0 ? applied : migrations.slice(0, IN_PUBLIC))
    }
    const [last] = await query(sql`select max(created_at)::text as at from todo.__drizzle_migrations`)
    const pending = migrations.filter(({ folderMillis }) => folderMillis > Number(last!.at))
    for (const { sql: statements, hash, folderMillis } of pending) {
      for (const statement of statements) await query(sql.raw(statement))
      await note(query, { hash, folderMillis })
    }
  })
}

/**
 * Whether the list of migrations says what is there. After `drop table` of all tables it still says that they are: when there is
 * none left, and so nothing to lose, they are made again.
 */
async function isListed (query: Query): Promise<boolean> {
  const [found] = await query(sql`select to_regclass('todo.__drizzle_migrations') is not null as listed,
    exists (select from pg_tables where schemaname = 'todo' and tablename in ('users', 'task_lists', 'tasks')) as tables`)
  if (!found!.listed || found!.tables) return Boolean(found!.listed)
  await query(sql`drop table if exists todo.task_changes, todo.idempotency_keys, todo.sessions, todo.endings, todo.compatibility`)
  return false
}

/** What version 1.0 has noted, in a table that other programs may use as well; it stays, so that 1.0 does not begin again. */
async function appliedByFirstVersion (query: Query, known: number[]): Promise<Migration[]> {
  const [found] = await query(sql`select to_regclass('drizzle.__drizzle_migrations') is not null as listed,
    exists (select from pg_tables where schemaname = 'public' and tablename in ('users', 'tasks', 'task_counts')) as tables`)
  if (!(found!.listed && found!.tables)) return []
  const applied = await query(sql`select hash, created_at::text as at from drizzle.__drizzle_migrations
    where created_at::text = any(string_to_array(${known.join()}, ',')) order by id`)
  return applied.map(({ hash, at }) => ({ hash: String(hash), folderMillis: String(at) }))
}

/**
 * A role with the name of the schema finds the tables there without naming it, by `"$user"` in its search path: a 1.0 server
 * that nobody has stopped would write on, and count nothing. In this database such a role finds `public` only, where 1.0 works
 * until the tables are gone. Committed before that; whoever may not say so stops the servers first, as the documents tell.
 */
async function hideFromFirstVersion (query: Query): Promise<void> {
  await query(sql`do $$
    begin
      if to_regclass('public.task_counts') is not null and exists (select from pg_roles where rolname = 'todo') then
        execute format('alter role todo in database %I set search_path = public', current_database());
      end if;
    exception when insufficient_privilege then null;
    end $$`)
}

/** Its sessions begin anew, and then find what they are allowed to. */
async function cutOffFirstVersion (query: Query): Promise<void> {
  await query(sql`do $$
    begin
      perform pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and usename = 'todo' and application_name = 'todo-backend' and pid <> pg_backend_pid();
    exception when insufficient_privilege then null;
    end $$`)
}

/** Begins the list of what has been applied. @param applied what is in it from the beginning */
async function beginList (query: Query, applied: Migration[]): Promise<void> {
  const [found] = await query(sql`select to_regnamespace('todo') is not null as there`)
  if (!found!.there) await query(sql`create schema todo`)
  await query(sql`create table if not exists todo.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`)
  await query(sql`delete from todo.__drizzle_migrations`)
  for (const migration of applied) await note(query, migration)
}

const note = async (query: Query, { hash, folderMillis }: Migration) =>
  await query(sql`insert into todo.__drizzle_migrations (hash, created_at) values (${hash}, ${String(folderMillis)})`)

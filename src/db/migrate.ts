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

/** Drizzle's own migrator would create the schema first, which a role may lack the right to when an administrator has made it. */
async function migrate (transaction: Transaction): Promise<void> {
  const { readMigrationFiles } = await import('drizzle-orm/migrator')
  const migrations = readMigrationFiles({ migrationsFolder })
  await transaction(hideFromFirstVersion)
  await transaction(async (query) => {
    if (!await isListed(query)) {
      const applied = await appliedByFirstVersion(query, migrations.map(({ folderMillis }) => folderMillis))
      if (applied.length > 0) await cutOffFirstVersion(query)
      // A new database was never in public: those migrations count as applied.
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
 * Whether the list of migrations is true. After `drop table` of all tables it still lists them as applied: when no table is left,
 * and so nothing can be lost, they are created again.
 */
async function isListed (query: Query): Promise<boolean> {
  const [found] = await query(sql`select to_regclass('todo.__drizzle_migrations') is not null as listed,
    exists (select from pg_tables where schemaname = 'todo' and tablename in ('users', 'task_lists', 'tasks')) as tables`)
  if (!found!.listed || found!.tables) return Boolean(found!.listed)
  await query(sql`drop table if exists todo.task_changes, todo.idempotency_keys, todo.sessions, todo.endings, todo.compatibility`)
  return false
}

/** The list of version 1.0, in a table that other programs may use as well; it stays, so that 1.0 does not migrate again. */
async function appliedByFirstVersion (query: Query, known: number[]): Promise<Migration[]> {
  const [found] = await query(sql`select to_regclass('drizzle.__drizzle_migrations') is not null as listed,
    exists (select from pg_tables where schemaname = 'public' and tablename in ('users', 'tasks', 'task_counts')) as tables`)
  if (!(found!.listed && found!.tables)) return []
  const applied = await query(sql`select hash, created_at::text as at from drizzle.__drizzle_migrations
    where created_at::text = any(string_to_array(${known.join()}, ',')) order by id`)
  return applied.map(({ hash, at }) => ({ hash: String(hash), folderMillis: String(at) }))
}

/**
 * A role called `todo` finds the tables without naming the schema, by `"$user"` in its search path: a running 1.0 server would
 * go on writing and count nothing. So the search path of such a role in this database becomes `public`, where 1.0 works until the
 * tables have moved. This is committed first; without the right to do so, the servers have to be stopped before, as documented.
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

/** Ends its sessions, so that new ones get the changed search path. */
async function cutOffFirstVersion (query: Query): Promise<void> {
  await query(sql`do $$
    begin
      perform pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and usename = 'todo' and application_name = 'todo-backend' and pid <> pg_backend_pid();
    exception when insufficient_privilege then null;
    end $$`)
}

/** Creates the list of applied migrations. @param applied those that are in it from the beginning */
async function beginList (query: Query, applied: Migration[]): Promise<void> {
  const [found] = await query(sql`select to_regnamespace('todo') is not null as there`)
  if (!found!.there) await query(sql`create schema todo`)
  await query(sql`create table if not exists todo.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`)
  await query(sql`delete from todo.__drizzle_migrations`)
  for (const migration of applied) await note(query, migration)
}

const note = async (query: Query, { hash, folderMillis }: Migration) =>
  await query(sql`insert into todo.__drizzle_migrations (hash, created_at) values (${hash}, ${String(folderMillis)})`)

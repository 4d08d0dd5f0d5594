import { fileURLToPath } from 'node:url'
import type { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { root } from '../root.js'
import { exclusively, type Patience, type Transaction } from './exclusive.js'
import type { SessionOptions } from './session.js'

/** The generated migrations. */
const migrationsFolder = fileURLToPath(new URL('drizzle', root))

/** Applies the pending migrations to a PostgreSQL: all of them, or none when one fails. @throws as `exclusively` */
export async function migratePostgres (session: SessionOptions, times: Patience): Promise<void> {
  const { migrate } = await import('drizzle-orm/postgres-js/migrator')
  await exclusively(session, times, async (tx) => {
    await forgetDropped(tx)
    await migrate(within(tx), { migrationsFolder })
  })
}

/** A transaction as the database that Drizzle's migrator expects, which begins one of its own: it is this one. */
function within (tx: Transaction): PostgresJsDatabase {
  const { dialect, session } = tx as unknown as { dialect: object, session: object }
  const transaction = async (work: (tx: Transaction) => Promise<unknown>) => await work(tx)
  return { dialect, session: Object.assign(Object.create(session) as object, { transaction }) } as unknown as PostgresJsDatabase
}

/**
 * After `drop schema public cascade` or `drop table` of all tables, Drizzle's list still says that they are there. When there is
 * none left, and so nothing to lose, they are made again.
 */
async function forgetDropped (tx: Transaction): Promise<void> {
  const [left] = await tx.execute<Record<'schema' | 'tables' | 'listed', boolean>>(sql`select
    exists (select from pg_namespace where nspname = 'public') as schema,
    exists (select from pg_tables where schemaname = 'public' and tablename in ('users', 'tasks', 'task_counts')) as tables,
    to_regclass('drizzle.__drizzle_migrations') is not null as listed`)
  if (!left!.schema) await tx.execute(sql`create schema public`)
  if (left!.tables) return
  await tx.execute(sql`drop function if exists public.count_tasks(), public.forget_task_counts()`)
  if (left!.listed) await tx.execute(sql`delete from drizzle.__drizzle_migrations`)
}

/** Applies the pending migrations to an embedded database, which has one user by nature. */
export async function migrateEmbedded (client: PGlite): Promise<void> {
  const [{ drizzle }, { migrate }] = await Promise.all([
    import('drizzle-orm/pglite'), import('drizzle-orm/pglite/migrator')
  ])
  await migrate(drizzle(client), { migrationsFolder })
}

import { fileURLToPath } from 'node:url'
import type { PGlite } from '@electric-sql/pglite'
import { root } from '../root.js'
import type { SessionOptions } from './session.js'

/** The generated migrations. */
const migrationsFolder = fileURLToPath(new URL('drizzle', root))

/** Any number of processes may start at once; this advisory lock lets one of them migrate at a time. "todo" in ASCII. */
const MIGRATION_LOCK = 0x746f646f

/**
 * Applies the pending migrations to a PostgreSQL, over a connection of its own.
 * Drizzle takes no lock by itself, so that two processes would create the same table.
 * @param session how to connect, for statements that may take long
 */
export async function migratePostgres (session: SessionOptions): Promise<void> {
  const [{ default: postgres }, { drizzle }, { migrate }] = await Promise.all([
    import('postgres'), import('drizzle-orm/postgres-js'), import('drizzle-orm/postgres-js/migrator')
  ])
  const client = postgres({ ...session, max: 1 })
  try {
    await client`select pg_advisory_lock(${MIGRATION_LOCK}::bigint)`
    await migrate(drizzle(client), { migrationsFolder })
  } finally {
    await client.end({ timeout: 1 })
  }
}

/** Applies the pending migrations to an embedded database, which has one user by nature. */
export async function migrateEmbedded (client: PGlite): Promise<void> {
  const [{ drizzle }, { migrate }] = await Promise.all([
    import('drizzle-orm/pglite'), import('drizzle-orm/pglite/migrator')
  ])
  await migrate(drizzle(client), { migrationsFolder })
}

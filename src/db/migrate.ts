import { fileURLToPath } from 'node:url'
import type { PGlite } from '@electric-sql/pglite'
import { root } from '../root.js'

/** The generated migrations. */
const migrationsFolder = fileURLToPath(new URL('drizzle', root))

/** Any number of processes may start at once; this advisory lock lets one of them migrate at a time. "todo" in ASCII. */
const MIGRATION_LOCK = 0x746f646f

/** A notice, such as "already exists, skipping", is for nobody; the driver would print it. */
export const ignoreNotice = (): void => {}

/**
 * Applies the pending migrations to a PostgreSQL, over a connection of its own.
 * Drizzle takes no lock by itself, so that two processes would create the same table.
 * @param connectTimeout milliseconds
 */
export async function migratePostgres (url: string, connectTimeout: number): Promise<void> {
  const [{ default: postgres }, { drizzle }, { migrate }] = await Promise.all([
    import('postgres'), import('drizzle-orm/postgres-js'), import('drizzle-orm/postgres-js/migrator')
  ])
  const client = postgres(url, { max: 1, connect_timeout: connectTimeout / 1000, fetch_types: false, onnotice: ignoreNotice })
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

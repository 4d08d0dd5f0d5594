import type { Database } from './database.js'
import { connectEmbedded } from './embedded.js'
import { connectPostgres } from './postgres.js'

/**
 * The database that a setting names.
 * @param url `postgres://…`, `pglite:` and a folder, or `pglite:memory`
 * @param poolSize connections to PostgreSQL at most; the embedded one has one
 * @returns the database, not started
 */
export function connect (url: string, poolSize: number): Database {
  return url.startsWith('pglite:') ? connectEmbedded(url.slice('pglite:'.length)) : connectPostgres(url, poolSize)
}

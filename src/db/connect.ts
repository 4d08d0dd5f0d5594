import type { Config } from '../config/settings.js'
import type { Database } from './database.js'
import { connectEmbedded } from './embedded.js'
import { connectPostgres } from './postgres.js'

/**
 * The database that the settings name.
 * @param config its limits are PostgreSQL's; the embedded database does one thing at a time anyway
 * @returns the database, not started
 */
export function connect (config: Config): Database {
  const { DATABASE_URL: url } = config
  if (url.startsWith('pglite:')) return connectEmbedded(url.slice('pglite:'.length))
  return connectPostgres(url, {
    migrationUrl: config.DATABASE_MIGRATION_URL ?? url,
    hasPooler: config.DATABASE_POOLER === 'transaction',
    prepares: config.DATABASE_PREPARE === 'on',
    poolSize: config.DATABASE_POOL_SIZE,
    connectTimeout: config.DATABASE_CONNECT_TIMEOUT,
    statementTimeout: config.DATABASE_STATEMENT_TIMEOUT,
    maxPending: config.DATABASE_QUEUE
  })
}

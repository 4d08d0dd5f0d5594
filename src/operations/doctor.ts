import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Config } from '../config/settings.js'
import { parseConnectionString, placeOf } from '../db/connection-string.js'
import { DatabaseLocked, type DatabaseUnavailable } from '../db/errors.js'
import { inspectEmbedded, inspectPostgres } from '../db/inspect.js'
import { findingsOn, refusalOf } from './check-database.js'
import { checkDisk, checkNode, checkPort, checkRedis, checkSmtp } from './check-surroundings.js'
import { fine, wrong, type Finding } from './findings.js'

/**
 * Looks at everything that a server meets, and changes nothing.
 * @param load reads the settings, or throws what is wrong with them
 * @returns the findings, as they come
 */
export async function * diagnose (load: () => Config): AsyncGenerator<Finding> {
  yield checkNode()
  let config
  try {
    config = load()
  } catch (error) {
    return yield wrong('Settings', (error as Error).message, 'correct it in the environment or in .env; all else is looked at then')
  }
  yield fine('Settings', `can be used (NODE_ENV is ${config.NODE_ENV})`)
  const port = await checkPort(config.HOST, config.PORT)
  yield port
  yield * config.DATABASE_URL.startsWith('pglite:')
    ? await checkEmbedded(config.DATABASE_URL.slice('pglite:'.length), port.isThisApi)
    : await checkServers(config)
  yield config.REDIS_URL === undefined ? fine('Redis', 'is not used') : await checkRedis(config.REDIS_URL)
  yield config.SMTP_URL === undefined ? fine('SMTP', 'no mails are sent') : await checkSmtp(config.SMTP_URL)
}

/** By way of the pooler, where there is one, and past it. */
async function checkServers (config: Config): Promise<Finding[]> {
  const { DATABASE_URL: url, DATABASE_MIGRATION_URL: direct = url } = config
  return (await Promise.all([...new Set([url, direct])].map(async (one) => await checkPostgres(one, config)))).flat()
}

async function checkPostgres (url: string, config: Config): Promise<Finding[]> {
  const { DATABASE_CONNECT_TIMEOUT: connectTimeout, DATABASE_STATEMENT_TIMEOUT: statementTimeout } = config
  const label = `PostgreSQL at ${placeOf(parseConnectionString(url))}`
  try {
    return findingsOn(label, await inspectPostgres(url, { connectTimeout, statementTimeout }), true)
  } catch (error) {
    return [refusalOf(label, (error as Partial<DatabaseUnavailable>).reason ?? (error as Error).message)]
  }
}

/** @param isServed whether a server runs, which may be the one that uses it */
async function checkEmbedded (place: string, isServed: boolean): Promise<Finding[]> {
  if (place === 'memory') return [fine('Database', 'embedded, in memory: it is gone with the process')]
  const folder = resolve(place)
  if (!existsSync(folder)) return [fine('Database', `embedded, will be made in ${folder}`), checkDisk(folder)]
  try {
    return [...findingsOn(`embedded in ${folder}`, await inspectEmbedded(folder), false), checkDisk(folder)]
  } catch (error) {
    const { message } = error as Error
    if (!(error instanceof DatabaseLocked)) return [wrong('Database', message, 'as it says')]
    return [isServed ? fine('Database', `embedded in ${folder}, which the server uses`) : wrong('Database', message, 'as it says'), checkDisk(folder)]
  }
}

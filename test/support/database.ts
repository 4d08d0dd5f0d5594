import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { loadConfig } from '../../src/config/load.js'
import { connect } from '../../src/db/connect.js'
import type { Database } from '../../src/db/database.js'
import { connectEmbedded } from '../../src/db/embedded.js'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { migratedDump } from './dump.js'

/** The PostgreSQL server to test on; without it the tests run on the embedded database. */
export const serverUrl = process.env.TEST_DATABASE_URL

/** The database of a URL, not started. @param settings its limits */
export const connectTo = (url: string, settings: NodeJS.ProcessEnv = {}): Database =>
  connect(loadConfig({ SECRET_KEY: 'of no use to a database, but long', DATABASE_URL: url, ...settings }))

/** Makes a new, empty database on a server. @returns its URL, and what drops it */
export async function createDatabase (server: string, encoding = 'UTF8'): Promise<{ url: string, drop: () => Promise<void> }> {
  const name = `todo_test_${randomBytes(6).toString('hex')}`
  const admin = postgres(server, { max: 1, onnotice: () => {} })
  await admin.unsafe(`create database ${name} template template0 encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    url: url.href,
    async drop () {
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.end()
    }
  }
}

/** A clean, migrated database of its own, whichever kind the tests run on; with its URL where it is on a server. */
export async function cleanDatabase (): Promise<{ database: Database, url?: string, drop: () => Promise<void> }> {
  if (!serverUrl) return await cleanEmbedded()
  const { url, drop } = await createDatabase(serverUrl)
  const database = connectTo(url)
  await database.start()
  return { database, url, drop }
}

/** Embedded databases nobody uses, when they are kept. */
let idle: Database[] | undefined

/**
 * Keeps an embedded database that is dropped for the next who wants one, as another start costs half a second of CPU.
 * @returns what closes them all
 */
export function reuseDatabases (): () => Promise<void> {
  idle = []
  return async () => { await Promise.all(idle!.splice(0).map(async (database) => database.close())) }
}

async function startEmbedded () {
  const database = connectEmbedded('memory', { dump: await migratedDump() })
  await database.start()
  return database
}

async function cleanEmbedded () {
  const kept = idle?.pop() ?? await startEmbedded()
  let closed = false
  const database: Database = {
    ...kept,
    run: async (statement, values) => {
      if (closed) throw new DatabaseUnavailable('closed')
      return await kept.run(statement, values)
    },
    close: async () => { closed = true }
  }
  async function drop () {
    if (!idle) return await kept.close()
    await sqlOn(kept)('truncate todo.users, todo.endings cascade')
    idle.push(kept)
  }
  return { database, drop }
}

/** Runs SQL of a test's own, for what no request can do. */
export const sqlOn = (database: Database) => async <Row = Record<string, unknown>>(text: string, values: unknown[] = []) =>
  [...await database.run<Row>({ name: 'test', text, bind: () => values, echo: {} })]

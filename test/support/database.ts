import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { loadConfig } from '../../src/config/load.js'
import { connect } from '../../src/db/connect.js'
import type { Database } from '../../src/db/database.js'
import { connectEmbedded } from '../../src/db/embedded.js'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { createDistributed } from './citus.js'
import { migratedDump } from './dump.js'

/** A coordinator of Citus to test on: what a test wants migrated is distributed there. */
const { TEST_CITUS_URL: coordinator } = process.env

/** Whether statements are planned, and locks waited for, on workers, where no test looks. */
export const isDistributed = coordinator !== undefined

/** The PostgreSQL server to test on; without it the tests run on the embedded database. */
export const serverUrl = coordinator ?? process.env.TEST_DATABASE_URL

/** The database of a URL, not started. @param settings its limits */
export const connectTo = (url: string, settings: NodeJS.ProcessEnv = {}): Database =>
  connect(loadConfig({ SECRET_KEY: 'of no use to a database, but long', DATABASE_URL: url, ...settings }))

const newName = () => `todo_test_${randomBytes(6).toString('hex')}`

/** Makes a new, empty database on a server. @returns its URL, and what drops it */
export async function createDatabase (server: string, encoding = 'UTF8'): Promise<{ url: string, drop: () => Promise<void> }> {
  const name = newName()
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
  if (coordinator) return await cleanDistributed(coordinator)
  if (!serverUrl) return await cleanEmbedded()
  const { url, drop } = await createDatabase(serverUrl)
  const database = connectTo(url)
  await database.start()
  return { database, url, drop }
}

/** Databases nobody uses, when they are kept: embedded ones, and distributed ones. */
let idle: Database[] | undefined
const idleDistributed: Array<Awaited<ReturnType<typeof createDistributed>>> = []

/**
 * Keeps a database that is dropped for the next who wants one: another start of an embedded one costs half a second of CPU, and
 * of a distributed one several seconds.
 * @returns what closes them all
 */
export function reuseDatabases (): () => Promise<void> {
  idle = []
  return async () => {
    await Promise.all(idle!.splice(0).map(async (database) => database.close()))
    for (const { drop } of idleDistributed.splice(0)) await drop()
  }
}

const EMPTY = 'truncate todo.users, todo.endings cascade'

async function cleanDistributed (coordinator: string) {
  const kept = idleDistributed.pop() ?? await createDistributed(coordinator, newName())
  const database = connectTo(kept.url)
  await database.start()
  return {
    database,
    url: kept.url,
    async drop () {
      if (!idle) return await kept.drop()
      const again = connectTo(kept.url)
      await again.start()
      await sqlOn(again)(EMPTY)
      await again.close()
      idleDistributed.push(kept)
    }
  }
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
    await sqlOn(kept)(EMPTY)
    idle.push(kept)
  }
  return { database, drop }
}

/** Runs SQL of a test's own, for what no request can do. */
export const sqlOn = (database: Database) => async <Row = Record<string, unknown>>(text: string, values: unknown[] = []) =>
  [...await database.run<Row>({ name: 'test', text, bind: () => values, echo: {} })]

import { readFileSync } from 'node:fs'
import { getTableColumns, sql } from 'drizzle-orm'
import { root } from '../root.js'
import type { Database } from './database.js'
import { DatabaseUnavailable, DatabaseUnfit, TablesMissing } from './errors.js'
import { build, type Statement } from './statement.js'
import { endings, idempotencyKeys, sessions, taskChanges, taskLists, tasks, users } from './tables.js'

/** The newest tables that this version works with. A migration that the version before could not live with counts it up. */
export const GENERATION = 1

/**
 * What `ping` asks. It reads no row, and fails when a table or a column is missing. Its own column is always of the same type,
 * so that a prepared one survives every change of the tables.
 */
export const PING: Statement<unknown> = {
  name: 'ping',
  text: build.select({
    ready: sql<boolean>`not exists ${build.select({
      u: getTableColumns(users),
      l: getTableColumns(taskLists),
      t: getTableColumns(tasks),
      c: getTableColumns(taskChanges),
      k: getTableColumns(idempotencyKeys),
      s: getTableColumns(sessions),
      e: getTableColumns(endings)
    }).from(users).crossJoin(taskLists).crossJoin(tasks).crossJoin(taskChanges).crossJoin(idempotencyKeys).crossJoin(sessions)
      .crossJoin(endings).where(sql`false`)}`
  }).from(sql`(select) as one`).toSQL().sql,
  bind: () => [],
  echo: {},
  answersAlways: true
}

/** Times of the migrations that this version knows. */
export function migrationTimes (): number[] {
  const journal = JSON.parse(readFileSync(new URL('drizzle/meta/_journal.json', root), 'utf8')) as { entries: Array<{ when: number }> }
  return journal.entries.map(({ when }) => when)
}

/** Whether the newest migration has been applied; others after it, of a later version, are additive. */
const LAST: Statement<{ applied: boolean }> = {
  name: 'migrations',
  text: 'select coalesce(max(created_at) >= $1::bigint, false) as applied from todo.__drizzle_migrations',
  bind: () => [Math.max(...migrationTimes())],
  echo: {},
  answersAlways: true
}

/** The foreign keys between the tables. A restore makes them last, when the rows are there. */
const KEYS: Statement<{ missing: string | null }> = {
  name: 'keys',
  text: `select string_agg(name || '_owner_id_fkey', ', ') as missing
    from unnest(array['task_lists', 'task_changes', 'tasks', 'idempotency_keys', 'sessions']) as name
    where not exists (select from pg_constraint where conrelid = ('todo.' || name)::regclass and conname = name || '_owner_id_fkey')`,
  bind: () => [],
  echo: {},
  answersAlways: true
}

/** Whether a version that this one does not know has made the tables into what it cannot work with. */
const NEWER: Statement<{ newer: boolean }> = {
  name: 'compatibility',
  text: 'select coalesce(max(generation) > $1::int, false) as newer from todo.compatibility',
  bind: () => [GENERATION],
  echo: {},
  answersAlways: true
}

/**
 * Whether the tables are there as this version needs them. It asks for no right but to read them: most who serve a migrated
 * database may not create anything.
 * @param run as a database's own
 * @returns false when the database has to be migrated first
 * @throws DatabaseUnfit when a newer version has migrated them
 * @throws DatabaseUnavailable when it cannot tell, and while a restore is under way
 */
export async function isCurrent (run: Database['run']): Promise<boolean> {
  try {
    if (await isNewer(run)) throw new DatabaseUnfit('a newer version of this server has migrated it: update this one')
    await run(PING)
    if (!await isMigrated(run)) return false
  } catch (error) {
    if (error instanceof TablesMissing) return false
    throw error
  }
  const [keys] = await run(KEYS)
  if (keys!.missing) throw new DatabaseUnavailable(`restore not finished, without the keys ${keys!.missing}`)
  return true
}

/** For a role that may not read the list of migrations, the tables decide. */
async function isMigrated (run: Database['run']): Promise<boolean> {
  try {
    const [last] = await run(LAST)
    return last!.applied
  } catch (error) {
    if (error instanceof DatabaseUnavailable && error.reason === '42501') return true
    throw error
  }
}

/** For a role that may not read it, the tables decide. */
async function isNewer (run: Database['run']): Promise<boolean> {
  try {
    const [found] = await run(NEWER)
    return found!.newer
  } catch (error) {
    if (error instanceof DatabaseUnavailable && error.reason === '42501') return false
    throw error
  }
}

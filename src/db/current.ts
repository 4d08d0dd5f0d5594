import { readFileSync } from 'node:fs'
import { getTableColumns, sql } from 'drizzle-orm'
import { root } from '../root.js'
import type { Database } from './database.js'
import { DatabaseUnavailable, TablesMissing } from './errors.js'
import { build, type Statement } from './statement.js'
import { taskCounts, tasks, users } from './tables.js'

/**
 * What `ping` asks. It reads no row, and fails when a table or a column is missing. Its own column is always of the same type,
 * so that a prepared one survives every change of the tables.
 */
export const PING: Statement<unknown> = {
  name: 'ping',
  text: build.select({
    ready: sql<boolean>`not exists ${build.select({ u: getTableColumns(users), t: getTableColumns(tasks), c: getTableColumns(taskCounts) })
      .from(users).crossJoin(tasks).crossJoin(taskCounts).where(sql`false`)}`
  }).from(sql`(select) as one`).toSQL().sql,
  bind: () => [],
  echo: {},
  answersAlways: true
}

/** Time of the newest migration that this version knows. */
function newest (): number {
  const journal = JSON.parse(readFileSync(new URL('drizzle/meta/_journal.json', root), 'utf8')) as { entries: Array<{ when: number }> }
  return Math.max(...journal.entries.map(({ when }) => when))
}

/** Whether the newest migration has been applied; others after it, of a later version, are additive. */
const LAST: Statement<{ applied: boolean }> = {
  name: 'migrations',
  text: 'select coalesce(max(created_at) >= $1::bigint, false) as applied from drizzle.__drizzle_migrations',
  bind: () => [newest()],
  echo: {},
  answersAlways: true
}

/** The triggers that keep the totals. A restore makes them last, when the rows are there. */
const TRIGGERS: Statement<{ missing: string | null }> = {
  name: 'triggers',
  text: `select string_agg(name, ', ') as missing
    from unnest(array['tasks_added', 'tasks_changed', 'tasks_removed', 'tasks_truncated', 'users_removed']) as name
    where not exists (select from pg_trigger where tgrelid in ('tasks'::regclass, 'users'::regclass) and tgname = name)`,
  bind: () => [],
  echo: {},
  answersAlways: true
}

/**
 * Whether the tables are there as this version needs them. It asks for no right but to read them: most who serve a migrated
 * database may not create anything.
 * @param run as a database's own
 * @returns false when the database has to be migrated first
 * @throws DatabaseUnavailable when it cannot tell, and while a restore is under way
 */
export async function isCurrent (run: Database['run']): Promise<boolean> {
  try {
    await run(PING)
    if (!await isMigrated(run)) return false
  } catch (error) {
    if (error instanceof TablesMissing) return false
    throw error
  }
  const [triggers] = await run(TRIGGERS)
  if (triggers!.missing) throw new DatabaseUnavailable(`restore not finished, without the triggers ${triggers!.missing}`)
  return true
}

/** Who may not read the list of migrations takes the tables for it. */
async function isMigrated (run: Database['run']): Promise<boolean> {
  try {
    const [last] = await run(LAST)
    return last!.applied
  } catch (error) {
    if (error instanceof DatabaseUnavailable && error.reason === '42501') return true
    throw error
  }
}

import postgres from 'postgres'
import { parseConnectionString } from './connection-string.js'
import { GENERATION, migrationTimes } from './current.js'
import { withFolder } from './embedded-folder.js'
import { DatabaseUnavailable, translated } from './errors.js'
import { sessionOptions } from './session.js'

/** What an operator may want to know of a database. Nothing in it is changed to find out. */
export interface DatabaseFacts {
  /** As `server_version_num`: 150004 is 15.4. */
  version: number
  encoding: string
  /** Whether it has ICU's root collation, by which searches compare. */
  icu: boolean
  standby: boolean
  /** Settings without which a write that was acknowledged may be lost, and that are off. */
  notDurable: string | null
  /** Whether the role may make what is missing: the schema, or the tables in it. */
  mayCreate: boolean
  /** Tables in which the role may not read and write rows; all, when it may not even see them. */
  forbidden: string | null
  /** Migrations that are to be applied; null when the role may not see which were. */
  pending: number | null
  /** Whether a version has migrated it that this one cannot work with. */
  newer: boolean
  /** Milliseconds that an answer takes, and that its clock is ahead of ours. */
  latency: number
  ahead: number
}

type Ask = <Row>(text: string) => Promise<Row[]>

const FACTS = `select current_setting('server_version_num')::int as version,
  current_setting('server_encoding') as encoding,
  exists (select from pg_collation where collname = 'und-x-icu') as icu,
  pg_is_in_recovery() as standby,
  (select string_agg(name, ', ' order by name) from pg_settings
    where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off') as "notDurable",
  coalesce(has_schema_privilege(to_regnamespace('todo'), 'create'), has_database_privilege(current_database(), 'create')) as "mayCreate",
  (select string_agg(relname, ', ' order by relname) from pg_class
    where relnamespace = to_regnamespace('todo') and relkind in ('r', 'p') and relname not in ('compatibility', '__drizzle_migrations')
    and not (has_schema_privilege(relnamespace, 'usage') and has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
      and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete'))) as forbidden`

const APPLIED = 'select coalesce(max(created_at), 0)::float8 as at from todo.__drizzle_migrations'
const NEWEST = 'select coalesce(max(generation), 0)::int as generation from todo.compatibility'
const CLOCK = 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as at'

/** How often the clock is asked: the fastest answer says most. */
const TIMES = 5

/** Milliseconds, for a connection to a host and for a statement. */
interface Times { connectTimeout: number, statementTimeout: number }

/**
 * Looks at a PostgreSQL over a connection of its own.
 * @throws DatabaseUnavailable, QueryFailed, in time
 */
export const inspectPostgres = async (url: string, times: Times): Promise<DatabaseFacts> =>
  await withPostgres(url, times, factsBy)

/** Whether a PostgreSQL has an account, of this version or of another. @throws as `inspectPostgres` */
export const hasAccounts = async (url: string, times: Times): Promise<boolean> => await withPostgres(url, times, async (ask) => {
  const found = await translating(async () => await unless(async () => await ask('select from todo.users limit 1'), []))
  return found?.length !== 0
})

async function withPostgres<T> (
  url: string, { connectTimeout, statementTimeout }: Times, work: (ask: Ask) => Promise<T>
): Promise<T> {
  // Nothing is said that a pooler refuses: one may be in between.
  const connection = { ...parseConnectionString(url), pooler: true, prepares: false }
  const client = postgres({ ...sessionOptions(connection, connectTimeout, statementTimeout), max: 1 })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const time = connectTimeout * connection.hosts.length + statementTimeout
    timer = setTimeout(() => { reject(new DatabaseUnavailable('no answer')) }, time)
  })
  try {
    return await Promise.race([late, work(async (text) => [...await client.unsafe(text)] as never[])])
  } finally {
    clearTimeout(timer)
    void client.end({ timeout: 0 })
  }
}

/**
 * Looks at an embedded database.
 * @param folder exists
 * @throws DatabaseLocked, DatabaseDamaged, QueryFailed
 */
export const inspectEmbedded = async (folder: string): Promise<DatabaseFacts> =>
  await withFolder(folder, async (client) => await factsBy(async (text) => (await client.query(text)).rows as never[]))

const factsBy = async (ask: Ask): Promise<DatabaseFacts> => await translating(async () => {
  const [facts] = await ask<Omit<DatabaseFacts, 'pending' | 'newer' | 'latency' | 'ahead'>>(FACTS)
  const applied = await unless(async () => (await ask<{ at: number }>(APPLIED))[0]!.at, 0)
  const generation = await unless(async () => (await ask<{ generation: number }>(NEWEST))[0]!.generation, 0)
  return {
    ...facts!,
    pending: applied === null ? null : migrationTimes().filter((at) => at > applied).length,
    newer: (generation ?? 0) > GENERATION,
    ...await clockBy(ask)
  }
})

async function translating<T> (work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw translated(error, 'a look at the database')
  }
}

/** @returns `absent` when the table does not exist, null when the role may not see it */
async function unless<T> (read: () => Promise<T>, absent: T): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === '42501') return null
    if (code === '42P01') return absent
    throw error
  }
}

async function clockBy (ask: Ask): Promise<Pick<DatabaseFacts, 'latency' | 'ahead'>> {
  let best = { latency: Infinity, ahead: 0 }
  for (let i = 0; i < TIMES; i++) {
    const start = performance.now()
    const [answer] = await ask<{ at: number }>(CLOCK)
    const latency = performance.now() - start
    if (latency < best.latency) best = { latency, ahead: answer!.at - (Date.now() - latency / 2) }
  }
  return best
}

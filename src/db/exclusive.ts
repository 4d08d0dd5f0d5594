import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { DatabaseUnavailable, MigrationRunning, translated } from './errors.js'
import type { SessionOptions } from './session.js'

/**
 * Any number of processes may start at once; these advisory locks let one of them migrate at a time. The first is "todo" in ASCII
 * and version 1.0's, which held it as long as its connection lived: behind a pooler such as PgBouncer that was for ever. These
 * locks end with their transaction, whatever happens to the connection.
 */
const LOCK_OF_1_0 = 0x746f646f
const LOCK = 0x746f646f31

/** Milliseconds between two tries to get them. Waiting for a lock inside PostgreSQL could block what its holder does. */
const POLL = 100

/** Milliseconds. */
export interface Patience {
  connectTimeout: number
  /** For another process that migrates. */
  patience: number
  /** Without an answer, until PostgreSQL is asked whether the backend is still active. */
  silence: number
  /** How long a connection of version 1.0 has to be idle until its lock is ignored. */
  leftBehind?: number
}

/** A transaction in Drizzle's terms. */
export type Transaction = Parameters<Parameters<PostgresJsDatabase['transaction']>[0]>[0]

/**
 * Runs work that only one process may do at a time, in one transaction on a connection of its own. It may take long, as
 * building an index does, but waits at most 5 s for locks on tables, since all other statements wait behind it.
 * @param session how to connect
 * @throws MigrationRunning when another process holds the locks for longer than `patience`
 * @throws DatabaseUnavailable also when the connection has gone dark, QueryFailed
 */
export async function exclusively<T> (
  session: SessionOptions, times: Patience, work: (tx: Transaction) => Promise<T>
): Promise<T> {
  const { connectTimeout, patience, silence, leftBehind = 30_000 } = times
  const { drizzle } = await import('drizzle-orm/postgres-js')
  const open = () => postgres({ ...session, max: 1 })
  const client = open()
  let pid: number | undefined

  const attempt = async () => {
    try {
      return await drizzle(client).transaction(async (tx) => {
        const [answer] = await tx.execute<{ pid: number, locked: boolean }>(tryLock(leftBehind))
        pid = answer!.pid
        if (!answer!.locked) throw new MigrationRunning()
        return await work(tx)
      })
    } catch (error) {
      throw error instanceof DatabaseUnavailable ? error : translated(error, 'migrations')
    }
  }

  try {
    return await whileAlive(patiently(patience, attempt), silence, async () =>
      pid !== undefined && await isBackendActive(pid, open(), connectTimeout))
  } finally {
    await client.end({ timeout: 1 })
  }
}

/** Tries to get the locks, and configures this transaction. A holder whose client has gone is ended after 10 s. */
const tryLock = (leftBehind: number) => sql`select pg_backend_pid() as pid,
  set_config('statement_timeout', '0', true), set_config('lock_timeout', '5s', true),
  set_config('idle_in_transaction_session_timeout', '10s', true),
  pg_try_advisory_xact_lock(${LOCK}::bigint) and (pg_try_advisory_xact_lock(${LOCK_OF_1_0}::bigint) or not exists (
    select from pg_locks left join pg_stat_activity using (pid)
    where locktype = 'advisory' and pg_locks.granted and (classid, objid, objsubid) = (0, ${LOCK_OF_1_0}, 1)
      and pg_locks.database = (select oid from pg_database where datname = current_database())
      and coalesce(state <> 'idle' or state_change > clock_timestamp() - ${leftBehind} * interval '1 millisecond', true)
  )) as locked`

/**
 * Tries again while another process migrates, or while the role has used up its connections, one of which may just be closing.
 * @param patience milliseconds
 * @param onWait called once, when it begins to wait
 */
export async function patiently<T> (patience: number, attempt: () => Promise<T>, onWait?: () => void): Promise<T> {
  const end = performance.now() + patience
  const next = async (told: boolean): Promise<T> => {
    try {
      return await attempt()
    } catch (error) {
      const passes = error instanceof MigrationRunning || (error instanceof DatabaseUnavailable && error.reason === '53300')
      if (!passes || performance.now() > end) throw error
      if (!told) onWait?.()
    }
    await sleep(POLL)
    return await next(true)
  }
  return await next(false)
}

/** Waits for work as long as its backend is active. @param silence milliseconds between two checks of that */
async function whileAlive<T> (work: Promise<T>, silence: number, isAlive: () => Promise<boolean>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const dark = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      void isAlive().then((alive) => { if (!alive) reject(new DatabaseUnavailable('no answer')) })
    }, silence)
  })
  try {
    return await Promise.race([work, dark])
  } finally {
    clearInterval(timer)
  }
}

/**
 * Whether a backend is active, or was a moment ago. Asked over another connection, as the one in question may be dead.
 * @param asker is closed afterwards; a refusal for too many connections shows that the server is alive
 */
async function isBackendActive (pid: number, asker: postgres.Sql, timeout: number): Promise<boolean> {
  let works = false
  try {
    const asked = asker`select from pg_stat_activity
      where pid = ${pid} and (state = 'active' or state_change > clock_timestamp() - interval '2 seconds')`
    works = (await Promise.race([asked, sleep(timeout, [], { ref: false })])).length > 0
  } catch (error) {
    works = (error as { code?: string }).code === '53300'
  }
  void asker.end({ timeout: 0 })
  return works
}

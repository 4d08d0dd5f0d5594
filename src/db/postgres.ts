import postgres from 'postgres'
import { parseConnectionString, placeOf } from './connection-string.js'
import { PING, isCurrent } from './current.js'
import { DATE, INT8, TIMESTAMPTZ, isoTime, type Database } from './database.js'
import { DatabaseUnavailable, DatabaseUnfit, TablesMissing } from './errors.js'
import { migratePostgres } from './migrate.js'
import { poolOf } from './pool.js'
import { sessionOptions } from './session.js'
import type { Statement, Values } from './statement.js'

/** Milliseconds that a statement gets on top of its time inside PostgreSQL: it ends there first, when anybody is there. */
const MARGIN = 300

/** Seconds after which a connection that nobody uses is closed. */
const IDLE_TIMEOUT = 10

/** Characters that another encoding does not have could not be kept; SQL_ASCII would keep them and take them for others. */
const ENCODING: Statement<{ encoding: string }> = {
  name: 'encoding', text: "select current_setting('server_encoding') as encoding", bind: () => [], echo: {}, answersAlways: true
}

/**
 * Milliseconds that lost tables have to be missing before they are created again. A database that is dropped
 * while it is served is mostly restored from a dump at once, which fails where the tables exist already.
 */
const GRACE = 3000

/** A deadlock and a failed serialization: PostgreSQL has undone the whole statement, and it may well succeed the next time. */
const IN_THE_WAY = new Set(['40P01', '40001'])

/** How much a PostgreSQL is asked for, and for how long; times in milliseconds. */
export interface Limits {
  /** Connections at most. */
  poolSize: number
  connectTimeout: number
  /** For a statement inside PostgreSQL. Waiting for a connection and connecting included, it gets MARGIN more. */
  statementTimeout: number
  /** Statements at once, waiting or running: postgres.js queues without limit. */
  maxPending: number
}

/**
 * A PostgreSQL server, through postgres.js. Nothing is connected before `start` or `run`.
 * @param url `postgres://…`
 * @throws BadConnectionString
 */
export function connectPostgres (url: string, { poolSize, connectTimeout, statementTimeout, maxPending }: Limits): Database {
  let started = false
  /** When the tables were missed, on the clock of `performance`. */
  let missed = -Infinity
  let pending = 0
  const deadline = statementTimeout + MARGIN
  const connection = parseConnectionString(url)
  const session = sessionOptions(connection, connectTimeout, statementTimeout)
  const pool = poolOf(() => postgres({
    ...session,
    max: Math.min(poolSize, connection.connectionLimit ?? poolSize),
    // Also ends what the driver still connects for a pool that has been replaced meanwhile.
    idle_timeout: IDLE_TIMEOUT,
    backoff: (attempt) => Math.min(0.1 * 2 ** attempt, 1),
    types: {
      time: { to: TIMESTAMPTZ, from: [TIMESTAMPTZ], serialize: String, parse: isoTime },
      date: { to: DATE, from: [DATE], serialize: String, parse: String },
      number: { to: INT8, from: [INT8], serialize: String, parse: Number }
    }
  }), deadline)

  async function ask<Row> (statement: Statement<Row>, values: Values = {}): Promise<Row[]> {
    if (pending >= maxPending) throw new DatabaseUnavailable('too many statements wait')
    pending++
    const end = performance.now() + deadline
    try {
      // Once more is enough, but where a pooler gives each message to another session.
      for (let times = 0; times <= poolSize + 1; times++) {
        const rows = await pool.send(statement, values, end, times > 0)
        if (rows) return rows
      }
      throw new DatabaseUnavailable('prepared statements are lost')
    } finally {
      pending--
    }
  }

  /** Migrates on a connection that takes the place of the pool's: the role may have no more of them. */
  async function migrate (): Promise<void> {
    const times = { connectTimeout, patience: deadline, silence: connectTimeout + deadline }
    await pool.pause(async () => migratePostgres(sessionOptions(connection, connectTimeout, 0), times))
  }

  let looking: Promise<boolean> | undefined

  /** Looks for the tables, once at a time. When they are gone, the database has to be started again. */
  const areTablesThere = async () => await (looking ??= ask(PING).then(() => true, (error: unknown) => {
    if (started && error instanceof TablesMissing) {
      started = false
      missed = performance.now()
    }
    return false
  }).finally(() => { looking = undefined }))

  return {
    label: `PostgreSQL at ${placeOf(connection)}`,
    isRemote: true,

    async start () {
      if (started) return
      // Within the deadline: the driver alone would try for ever at a port that hangs up.
      const [server] = await ask(ENCODING)
      if (server!.encoding !== 'UTF8') throw new DatabaseUnfit(`its encoding is ${server!.encoding} and has to be UTF8`)
      if (!await isCurrent(ask)) {
        if (performance.now() < missed + GRACE) throw new DatabaseUnavailable('tables missing')
        await migrate()
        if (!await isCurrent(ask)) throw new DatabaseUnavailable('tables missing')
      }
      started = true
    },

    async run (statement, values) {
      if (!started) throw new DatabaseUnavailable('not started')
      try {
        return await ask(statement, values)
      } catch (error) {
        if (error instanceof DatabaseUnavailable && IN_THE_WAY.has(error.reason)) return await ask(statement, values)
        throw error instanceof TablesMissing && await areTablesThere() ? error.asBug : error
      }
    },

    async ping () {
      await this.run(PING)
    },

    close: pool.close
  }
}

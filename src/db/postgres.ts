import postgres from 'postgres'
import { cancelling } from './cancel.js'
import { parseConnectionString, placeOf } from './connection-string.js'
import { PING, isCurrent } from './current.js'
import { DATE, INT8, TIMESTAMPTZ, isoTime, type Database } from './database.js'
import { DatabaseUnavailable, TablesMissing } from './errors.js'
import { checkFit } from './fit.js'
import { counted } from './load.js'
import { migratePostgres } from './migrate.js'
import { poolOf } from './pool.js'
import { expectedSettings, sessionOptions } from './session.js'
import type { Statement, Values } from './statement.js'

/** Milliseconds that a statement gets on top of its time inside PostgreSQL: it ends there first, when anybody is there. */
const MARGIN = 300

/** Seconds after which a connection that nobody uses is closed. */
const IDLE_TIMEOUT = 10

/**
 * Milliseconds that lost tables have to be missing before they are created again. A database that is dropped
 * while it is served is mostly restored from a dump at once, which fails where the tables exist already.
 */
const GRACE = 3000

/** A deadlock and a failed serialization: PostgreSQL has undone the whole statement, and it may well succeed the next time. */
const RETRYABLE = new Set(['40P01', '40001'])

/** How a PostgreSQL is reached, how much it is asked for, and for how long; times in milliseconds. */
export interface Access {
  /** Where migrations go, past a pooler. */
  migrationUrl: string
  /** A pooler in transaction mode is in between. What the URL says about that holds as well. */
  hasPooler: boolean
  /** Whether statements are prepared. */
  prepares: boolean
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
export function connectPostgres (url: string, access: Access): Database {
  const { migrationUrl, hasPooler, prepares, poolSize, connectTimeout, statementTimeout, maxPending } = access
  let started = false
  /** When the tables were missed, on the clock of `performance`. */
  let missed = -Infinity
  let pending = 0
  const deadline = statementTimeout + MARGIN
  const given = parseConnectionString(url)
  const connection = { ...given, pooler: hasPooler || given.pooler, prepares: prepares && given.prepares }
  const session = sessionOptions(connection, connectTimeout, statementTimeout)
  const sockets = counted(session.socket)
  const max = Math.min(poolSize, connection.connectionLimit ?? poolSize)
  const pool = poolOf(() => postgres({
    ...{ ...session, socket: sockets.connect },
    max,
    // Also ends what the driver still connects for a pool that has been replaced meanwhile.
    idle_timeout: IDLE_TIMEOUT,
    backoff: (attempt) => Math.min(0.1 * 2 ** attempt, 1),
    types: {
      time: { to: TIMESTAMPTZ, from: [TIMESTAMPTZ], serialize: String, parse: isoTime },
      date: { to: DATE, from: [DATE], serialize: String, parse: String },
      number: { to: INT8, from: [INT8], serialize: String, parse: Number }
    }
  }), deadline, connection.pooler ? { margin: MARGIN, cancel: cancelling(session.socket, connectTimeout) } : undefined)

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
      throw new DatabaseUnavailable('prepared statements are lost, as behind a pooler; ' +
        'it wants DATABASE_POOLER=transaction, and DATABASE_PREPARE=off where it does not carry them')
    } finally {
      pending--
    }
  }

  /** Migrates on a connection that takes the place of the pool's: the role may have no more of them. */
  async function migrate (): Promise<void> {
    const times = { connectTimeout, patience: deadline, silence: connectTimeout + deadline }
    const place = migrationUrl === url ? connection : parseConnectionString(migrationUrl)
    await pool.pause(async () => migratePostgres(sessionOptions(place, connectTimeout, 0), times))
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
      await checkFit(ask, expectedSettings(connection, statementTimeout), connection.pooler)
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
        if (error instanceof DatabaseUnavailable && RETRYABLE.has(error.reason)) return await ask(statement, values)
        throw error instanceof TablesMissing && await areTablesThere() ? error.asBug : error
      }
    },

    async ping () {
      await this.run(PING)
    },

    load: () => ({ max, open: sockets.open(), ...pool.load() }),

    close: pool.close
  }
}

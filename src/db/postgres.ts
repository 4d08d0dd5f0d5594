import postgres from 'postgres'
import { parseConnectionString, placeOf } from './connection-string.js'
import { PING, isCurrent } from './current.js'
import { TIMESTAMPTZ, isoTime, type Database } from './database.js'
import { DatabaseUnavailable, DatabaseUnfit, ForeignAnswer, TablesMissing, translated } from './errors.js'
import { migratePostgres } from './migrate.js'
import { recountPostgres } from './recount.js'
import { sessionOptions } from './session.js'
import { checked, type Statement, type Values } from './statement.js'

/** Milliseconds that a statement gets on top of its time inside PostgreSQL: it ends there first, when anybody is there. */
const MARGIN = 300

/** Seconds after which a connection that nobody uses is closed. */
const IDLE_TIMEOUT = 10

/** Characters that another encoding does not have could not be kept; SQL_ASCII would keep them and take them for others. */
const ENCODING: Statement<{ encoding: string }> = {
  name: 'encoding', text: "select current_setting('server_encoding') as encoding", bind: () => [], echo: {}, answersAlways: true
}

/**
 * Milliseconds that lost tables have to stay away before they are made anew. Who drops a database that is served mostly fills it
 * again at once, out of a dump, which does not fit into tables that are there.
 */
const GRACE = 3000

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
 * A query of postgres.js. `state` stands for the connection that it was sent on; until then it is null. `prepared` says whether
 * that had prepared it before.
 */
type Query = postgres.PendingQuery<postgres.Row[]> & { state: object | null, prepared?: boolean }

/**
 * Whether a prepared statement was refused because it, or what it was prepared for, is not there any more: no such statement
 * (26000), "cached plan must not change result type" (0A000), or its types do not fit any more (42…). Nothing of it has been
 * done then, and the driver, as patched, has forgotten it. (PostgreSQL documentation, appendix A)
 */
const isStale = ({ prepared }: Query, { code }: { code?: string }) => code === '26000' || (prepared && /^(0A|42)/.test(String(code)))

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
  /** When each connection answered last, and each pool. */
  const answered = new WeakMap<object, number>()
  const deadline = statementTimeout + MARGIN
  const connection = parseConnectionString(url)
  const session = sessionOptions(connection, connectTimeout, statementTimeout)
  const open = () => postgres({
    ...session,
    max: Math.min(poolSize, connection.connectionLimit ?? poolSize),
    // Also ends what the driver still connects for a pool that has been replaced meanwhile.
    idle_timeout: IDLE_TIMEOUT,
    backoff: (attempt) => Math.min(0.1 * 2 ** attempt, 1),
    types: { time: { to: TIMESTAMPTZ, from: [TIMESTAMPTZ], serialize: String, parse: isoTime } }
  })
  let client = open()

  async function ask<Row> (statement: Statement<Row>, values: Values = {}): Promise<Row[]> {
    if (pending >= maxPending) throw new DatabaseUnavailable('too many statements wait')
    pending++
    const end = performance.now() + deadline
    try {
      // Once more is enough, but where a pooler gives each message to another session.
      for (let times = 0; times <= poolSize + 1; times++) {
        const rows = await send(statement, values, end, times > 0)
        if (rows) return rows
      }
      throw new DatabaseUnavailable('prepared statements are lost')
    } finally {
      pending--
    }
  }

  /**
   * @param end when the time of the statement is over
   * @param anew whether it is prepared once more, by another name, whatever the connection has prepared
   * @returns the rows; null when it has to be sent anew
   */
  async function send<Row> (statement: Statement<Row>, values: Values, end: number, anew: boolean): Promise<Row[] | null> {
    const used = client
    const asked = performance.now()
    const prepare = (anew ? 'anew' : true) as boolean
    const query = used.unsafe(statement.text, statement.bind(values) as never[], { prepare }) as Query
    let timer
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => {
          reject(new DatabaseUnavailable(query.state ? 'no answer' : 'no free connection'))
          // One that was never sent would be sent later, when nobody waits for it any more.
          if (!query.state) query.cancel()
          giveUp(used, query, asked)
        }, end - asked)
        const settled = () => {
          if (query.state) for (const place of [query.state, used]) answered.set(place, performance.now())
        }
        query.then((rows) => {
          settled()
          resolve(checked(statement, values, rows as unknown as Row[]))
        }).catch((error: unknown) => {
          settled()
          if (isStale(query, error as { code?: string })) resolve(null)
          else reject(isMixedUp(error) ? distrust(used, statement) : translated(error, statement.name))
        })
      })
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends what has given somebody the answer to another: what is under way there would be wrong as well. */
  function distrust (used: typeof client, { name }: Statement<unknown>): Error {
    if (used === client) {
      client = open()
      void used.end({ timeout: 0 })
    }
    return new ForeignAnswer(name)
  }

  /**
   * What has answered others since then, the connection or, when there was none to be had, the pool, is only busy. On what has
   * not, the driver would go on waiting: all are replaced, and what is under way on those that live gets its time.
   */
  function giveUp (used: typeof client, query: Query, asked: number): void {
    if (used !== client || answered.get(query.state ?? used)! > asked) return
    client = open()
    void used.end({ timeout: deadline / 1000 })
  }

  /** Does something on a connection that takes the place of the pool's: the role may have no more of them. */
  async function alone<T> (work: typeof migratePostgres | typeof recountPostgres): Promise<T> {
    await client.end({ timeout: deadline / 1000 })
    try {
      const times = { connectTimeout, patience: deadline, silence: connectTimeout + deadline }
      return await work(sessionOptions(connection, connectTimeout, 0), times) as T
    } finally {
      client = open()
    }
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
        await alone(migratePostgres)
        if (!await isCurrent(ask)) throw new DatabaseUnavailable('tables missing')
      }
      started = true
    },

    async run (statement, values) {
      if (!started) throw new DatabaseUnavailable('not started')
      try {
        return await ask(statement, values)
      } catch (error) {
        throw error instanceof TablesMissing && await areTablesThere() ? error.asBug : error
      }
    },

    async ping () {
      await this.run(PING)
    },

    recount: async () => await alone(recountPostgres),

    async close () {
      await client.end({ timeout: 2 })
    }
  }
}

/** Whether an answer is not what was asked for, or the driver has stumbled over it, as over columns that are not its own. */
const isMixedUp = (error: unknown) =>
  error instanceof ForeignAnswer || error instanceof TypeError || error instanceof RangeError

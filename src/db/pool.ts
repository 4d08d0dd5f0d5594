import type postgres from 'postgres'
import type { Backend } from './cancel.js'
import { DatabaseUnavailable, ForeignAnswer, translated } from './errors.js'
import type { Load } from './load.js'
import { checked, type Statement, type Values } from './statement.js'

/*
 * What postgres.js lacks, built on its internals. Nothing else in src/ uses them, and test/db/pool.test.ts fails when a version
 * changes them.
 *
 * A deadline: the driver waits forever for a free connection, and on a connection that has gone silent.
 * Distrust: a connection that has mixed up responses must not deliver another one.
 * The driver cannot drop a single connection. In both cases all of them are replaced, and the old ones are closed.
 */

/** A pool of the driver, as postgres.js makes it. */
type Client = Pick<postgres.Sql<Record<string, unknown>>, 'unsafe' | 'end'>

/**
 * A query of postgres.js. `state` stands for the connection that it was sent on; until then it is null. `prepared` says whether
 * that had prepared it before.
 */
type Query = postgres.PendingQuery<postgres.Row[]> & {
  state: Backend | null
  prepared?: boolean
  /** Whether its answer is the next one of its connection. */
  active: boolean
  /** The driver looks at this when the answer is, and then asks for its end. */
  cancelled: { resolve: () => void, reject: () => void } | null
}

/**
 * Whether a prepared statement was refused because it, or what it was prepared for, is not there any more: no such statement
 * (26000), "cached plan must not change result type" (0A000), or its types do not fit any more (42…). Nothing of it has been
 * done then, and the driver, as patched, has forgotten it. (PostgreSQL documentation, appendix A)
 */
const isStale = ({ prepared }: Query, { code }: { code?: string }) => code === '26000' || (prepared && /^(0A|42)/.test(String(code)))

/** Whether an answer is not what was asked for, or the driver has stumbled over it, as over columns that are not its own. */
const isMixedUp = (error: unknown) =>
  error instanceof ForeignAnswer || error instanceof TypeError || error instanceof RangeError

/** How to end a statement that takes too long where `statement_timeout` cannot be set. */
export interface Ending {
  /** Milliseconds before its time is over that its end is asked for, and between two requests. */
  margin: number
  cancel: (backend: Backend) => Promise<void>
}

/** A statement that was cancelled: nothing of it has been done. (PostgreSQL documentation, appendix A) */
const CANCELLED = '57014'

const ignore = (): void => {}

/** Asks PostgreSQL to end a statement, until it has: it may still wait in the pooler, or behind others. */
function stop (query: Query, { margin, cancel }: Ending): void {
  const ask = () => {
    if (query.active) void cancel(query.state!)
    else if (query.state) query.cancelled = { resolve: ignore, reject: ignore }
  }
  ask()
  const asking = setInterval(ask, margin)
  const end = () => { clearInterval(asking) }
  query.then(end, end)
}

/** Connections to a PostgreSQL, each statement with a deadline. */
export interface Pool {
  /**
   * Sends a statement, prepared.
   * @param end when its time is over, on the clock of `performance`
   * @param anew whether to prepare it again, under another name, even if the connection has prepared it
   * @returns the rows; null when it has to be sent again: the prepared statement is gone, and nothing has been done
   * @throws as `Database.run`
   */
  send: <Row>(statement: Statement<Row>, values: Values, end: number, anew: boolean) => Promise<Row[] | null>

  /** What is on its way now. */
  load: () => Pick<Load, 'used' | 'statements' | 'waiting'>

  /** Does something while no connection is open: the role may have no more than the pool. */
  pause: <T>(work: () => Promise<T>) => Promise<T>

  /** Finishes what is running, for two seconds at most, and closes. */
  close: () => Promise<void>
}

/**
 * Nothing is connected before the first statement.
 * @param open makes a pool of the driver
 * @param deadline milliseconds that what is under way gets when its pool is replaced
 * @param ending absent where PostgreSQL ends statements itself
 */
export function poolOf (open: () => Client, deadline: number, ending?: Ending): Pool {
  let client = open()
  /** When each connection answered last, and each pool. */
  const answered = new WeakMap<object, number>()
  /** What somebody waits for. */
  const underWay = new Set<Query>()

  async function send<Row> (statement: Statement<Row>, values: Values, end: number, anew: boolean): Promise<Row[] | null> {
    const used = client
    const asked = performance.now()
    const prepare = (anew ? 'anew' : true) as boolean
    const query = used.unsafe(statement.text, statement.bind(values), { prepare }) as Query
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    underWay.add(query)
    try {
      return await new Promise((resolve, reject) => {
        const late = () => {
          reject(new DatabaseUnavailable(query.state ? 'no answer' : 'no free connection'))
          giveUp(used, query, asked)
        }
        timer = setTimeout(ending
          ? () => {
              isStopped = true
              stop(query, ending)
              timer = setTimeout(late, ending.margin)
            }
          : late, end - asked - (ending?.margin ?? 0))
        const settled = () => {
          if (query.state) for (const place of [query.state, used]) answered.set(place, performance.now())
        }
        query.then((rows) => {
          settled()
          // Taken out of the driver's result: V8 keeps old queries until all of its memory is collected, and what they hold.
          // The cast: what columns a row has, the statement says; the driver cannot know.
          resolve(checked(statement, values, rows.splice(0) as unknown as Row[]))
        }).catch((error: unknown) => {
          settled()
          // A request for the end of another statement can come late, and meet this one.
          const isOthers = ending && !isStopped && (error as { code?: string }).code === CANCELLED
          if (isOthers || isStale(query, error as { code?: string })) resolve(null)
          else reject(isMixedUp(error) ? distrust(used, statement) : translated(error, statement.name))
        })
      })
    } finally {
      clearTimeout(timer)
      underWay.delete(query)
    }
  }

  /** Replaces the connections. @param timeout milliseconds for statements in progress on the old ones */
  function replace (used: Client, timeout: number): void {
    if (used !== client) return
    client = open()
    void used.end({ timeout: timeout / 1000 })
  }

  /** Closes the connections at once after mixed-up responses: those in progress would be wrong as well. */
  function distrust (used: Client, { name }: Statement<unknown>): Error {
    replace(used, 0)
    return new ForeignAnswer(name)
  }

  /**
   * What has answered others since then, the connection or, when there was none to be had, the pool, is only busy. On what has
   * not, the driver would go on waiting.
   */
  function giveUp (used: Client, query: Query, asked: number): void {
    // One that was never sent would be sent later, when nobody waits for it any more.
    if (!query.state) query.cancel()
    if (!(answered.get(query.state ?? used)! > asked)) replace(used, deadline)
  }

  return {
    send,

    load () {
      const sent = [...underWay].flatMap(({ state }) => state ?? [])
      return { used: new Set(sent).size, statements: underWay.size, waiting: underWay.size - sent.length }
    },

    async pause (work) {
      await client.end({ timeout: deadline / 1000 })
      try {
        return await work()
      } finally {
        client = open()
      }
    },

    async close () {
      await client.end({ timeout: 2 })
    }
  }
}

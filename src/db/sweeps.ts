import type { Database } from './database.js'
import type { Statement, Values } from './statement.js'

/** Rows of owners that are kept for a limited time. */
export interface Sweep {
  /** For the log. */
  readonly name: string
  /** What is too old now: values of both statements. */
  readonly values: () => Values
  /**
   * Looks at no more than `limit` things, by the ids of their owners, which are greater than `after`, in order.
   * @returns their owners, and whether any has what is too old
   */
  readonly look: Statement<{ owner: string, old: boolean }>
  /** Removes of one `owner` at most `limit` rows that are too old; nothing that somebody else works on. */
  readonly remove: Statement<unknown>
}

/** Rows without an owner that are kept for a limited time. */
export interface Expiry {
  readonly name: string
  readonly values: () => Values
  /** Removes at most `limit` rows that are too old. */
  readonly expire: Statement<unknown>
}

/** The log of a sweep. */
interface Log {
  info: (facts: object, message: string) => void
  warn: (facts: object, message: string) => void
}

/** Milliseconds between two rounds, more or less: each waits for another time, so that many processes do not come together. */
const INTERVAL = 3_600_000

/** Rows of one look, and of one removal: no statement takes long, and what others want waits for one at most. */
const ROWS = 500

/** Before every id. (RFC 9562 §5.9) */
export const FIRST = '00000000-0000-0000-0000-000000000000'

/**
 * Removes what has become too old, again and again, one small statement after another. Any number of processes may do so on one
 * database: what one works on the others pass over.
 * @param sweeps what is swept
 * @param interval milliseconds between two rounds, on average
 * @returns what ends it, when the statement that is running has ended
 */
export function startSweeps (
  database: Database, sweeps: Array<Sweep | Expiry>, log: Log, interval = INTERVAL
): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout
  let running = Promise.resolve()

  const wait = () => {
    timer = setTimeout(() => { running = round() }, interval * (0.5 + Math.random()))
    timer.unref()
  }

  async function round (): Promise<void> {
    for (const sweep of sweeps) {
      try {
        const isStopped = () => stopped
        const removed = 'expire' in sweep ? await expireOnce(database, sweep, isStopped) : await sweepOnce(database, sweep, isStopped)
        if (removed > 0) log.info({ sweep: sweep.name, removed }, 'swept')
      } catch (error) {
        log.warn({ sweep: sweep.name, reason: (error as Error).message }, 'not swept')
      }
    }
    if (!stopped) wait()
  }

  wait()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}

/** From the first owner to the last. @returns how many rows were removed */
async function sweepOnce (database: Database, { values, look, remove }: Sweep, isStopped: () => boolean): Promise<number> {
  const given = { ...values(), limit: ROWS }
  let removed = 0
  for (let after = FIRST; ;) {
    const seen = await database.run(look, { ...given, after })
    for (const owner of new Set(seen.filter(({ old }) => old).map(({ owner }) => owner))) {
      for (let rows = ROWS; rows === ROWS && !isStopped(); removed += rows) {
        rows = (await database.run(remove, { ...given, owner })).length
      }
    }
    if (seen.length < ROWS || isStopped()) return removed
    after = seen.at(-1)!.owner
  }
}

/** @returns how many rows were removed */
async function expireOnce (database: Database, { values, expire }: Expiry, isStopped: () => boolean): Promise<number> {
  const given = { ...values(), limit: ROWS }
  let removed = 0
  for (let rows = ROWS; rows === ROWS && !isStopped(); removed += rows) rows = (await database.run(expire, given)).length
  return removed
}

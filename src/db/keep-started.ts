import type { Database } from './database.js'
import { DatabaseUnavailable, QueryFailed } from './errors.js'

/** Milliseconds between two tries to start a database, and between two lines about the same trouble. */
const RETRY = 1000
const REMINDER = 30_000

interface Log {
  info: (text: string) => void
  warn: (facts: object, text: string) => void
}

/**
 * Starts a database, until it works, and whenever it has lost its tables later: a database that cannot be reached, or
 * is not as it should be, is an outage and not a wrong setting.
 * @param fail called with every error that is not an outage
 * @returns resolves after the first try, to whether it worked
 */
export async function keepStarted (database: Database, log: Log, fail: (error: unknown) => never): Promise<boolean> {
  let trouble: string | undefined
  let reminder = 0

  function tell ({ message }: Error): void {
    if (message === trouble && performance.now() < reminder) return
    trouble = message
    reminder = performance.now() + REMINDER
    log.warn({ reason: message }, 'database not started; trying again')
  }

  async function attempt (): Promise<boolean> {
    try {
      await database.start()
      if (trouble) log.info('database started')
      trouble = undefined
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable || error instanceof QueryFailed)) return fail(error)
      tell(error)
    }
    setTimeout(() => { void attempt() }, RETRY).unref()
    return !trouble
  }

  return await attempt()
}

import type { EndingsRead } from '../repositories/endings.js'

/** Milliseconds between two readings, and how old the last good one may be. */
const INTERVAL = 1000
const FRESH = 2000

/** Milliseconds after the last request with a session until reading stops: an idle database may want to sleep. */
const IDLE = 60_000

/** Milliseconds that an ending may be written before it is committed, beside the time that its statement may take. */
const LATE = 10_000

/** Milliseconds that an ending is remembered: longer than an access token can live. */
export const REMEMBERED = 25 * 3_600_000

/**
 * Which sessions have ended, known without a question for each request. All endings are read before the first session is
 * accepted, then every second those that are new.
 * @param read asks the database
 * @param statementTimeout of the database, in milliseconds
 */
export function endings (read: EndingsRead, statementTimeout: number) {
  /** When each session ended, on this process's clock. */
  const ended = new Map<string, number>()
  let since = new Date(0)
  /** When the last good reading began, and when somebody last asked, on the clock of `performance`. */
  let goodAt = -Infinity
  let askedAt = -Infinity
  let reading: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  function add (sessions: string[]): void {
    for (const session of sessions) ended.set(session, Date.now())
  }

  async function readOnce (): Promise<void> {
    const begin = performance.now()
    const { ended: found, at } = await read(since)
    add(found)
    since = new Date(at.getTime() - LATE - statementTimeout)
    goodAt = begin
    // In the order in which they were added.
    for (const [session, time] of ended) {
      if (time > Date.now() - REMEMBERED) break
      ended.delete(session)
    }
  }

  /** One reading at a time, shared by all who wait for it. */
  const readTogether = async () => await (reading ??= readOnce().finally(() => {
    reading = undefined
    timer ??= setTimeout(again, INTERVAL).unref()
  }))

  function again (): void {
    timer = undefined
    // The next reading, or the next request, makes up for one that fails.
    if (!stopped && performance.now() < askedAt + IDLE) readTogether().catch(() => {})
  }

  return {
    /** @returns whether a session has ended; null when only `look` can tell */
    has (session: string): boolean | null {
      askedAt = performance.now()
      return askedAt - goodAt <= FRESH ? ended.has(session) : null
    },

    /** Asks the database first. @throws DatabaseUnavailable */
    async look (session: string): Promise<boolean> {
      // A reading that had begun before may fail, or be too old when it arrives: then another one is made.
      const isKnown = reading && await reading.then(() => performance.now() - goodAt <= FRESH, () => false)
      if (!isKnown) await readTogether()
      return ended.has(session)
    },

    /** Remembers what this process has ended. */
    add,

    stop (): void {
      stopped = true
      clearTimeout(timer)
    }
  }
}
export type Endings = ReturnType<typeof endings>

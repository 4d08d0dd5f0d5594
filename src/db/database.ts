import type { Statement, Values } from './statement.js'

/** A PostgreSQL, whichever: what the repositories and the server see of it. */
export interface Database {
  /** Which database this is, for people; without credentials. */
  readonly label: string

  /**
   * Connects and brings the tables up to date. Until it has succeeded, `run` answers DatabaseUnavailable.
   * @throws DatabaseUnavailable when it cannot be reached; it may be called again
   * @throws DatabaseLocked when another process uses the embedded database's folder
   */
  start: () => Promise<void>

  /**
   * Runs one statement in a transaction of its own.
   * @returns the rows, in the names of the statement's SQL; times as RFC 3339 text
   * @throws DatabaseUnavailable, ConstraintViolation or QueryFailed; ForeignAnswer when the rows are not what it asked for
   */
  run: <Row>(statement: Statement<Row>, values?: Values) => Promise<Row[]>

  /**
   * Asks the database for a sign of life.
   * @throws DatabaseUnavailable
   */
  ping: () => Promise<void>

  /** Finishes what is running and closes. */
  close: () => Promise<void>
}

/** What `ping` asks. */
export const PING: Statement<unknown> = { name: 'ping', text: 'select 1', bind: () => [], echo: {}, answersAlways: true }

/** How PostgreSQL writes a time in UTC, in its date style ISO. */
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/

/**
 * A time as PostgreSQL writes it in UTC (`2026-01-06 10:30:00.5+00`), as RFC 3339 with milliseconds.
 * Text to text: a Date in between would cost more than the rest of the row.
 * @throws when it is written in another way: what came of that would look like a time, and be another
 */
export function isoTime (text: string): string {
  if (!TIME.test(text)) throw new Error('PostgreSQL writes times in another time zone or date style than was asked for')
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0')}Z`
}

/** PostgreSQL's type number of `timestamptz`, whose text is parsed by isoTime. */
export const TIMESTAMPTZ = 1184

import type { Load } from './load.js'
import type { Statement, Values } from './statement.js'

/** A PostgreSQL of either kind, as the repositories and the server see it. */
export interface Database {
  /** Which database this is, for people; without credentials. */
  readonly label: string

  /** Whether it runs in another process, which may be unavailable, and not in this one. */
  readonly isRemote: boolean

  /**
   * Connects and brings the tables up to date. Until it has succeeded, and when the tables have been lost later, `run` throws
   * DatabaseUnavailable. It may be called again at any time; what has started is left alone.
   * @throws DatabaseUnavailable when it cannot be reached, QueryFailed when it cannot be migrated
   * @throws DatabaseLocked, DatabaseDamaged when the embedded database's folder cannot be used
   */
  start: () => Promise<void>

  /**
   * Runs one statement in a transaction of its own.
   * @returns the rows, in the names of the statement's SQL; times as RFC 3339 text
   * @throws DatabaseUnavailable, ConstraintViolation or QueryFailed; ForeignAnswer when the rows are not what it asked for
   */
  run: <Row>(statement: Statement<Row>, values?: Values) => Promise<Row[]>

  /**
   * Asks the database whether the tables are there.
   * @throws DatabaseUnavailable
   */
  ping: () => Promise<void>

  /** How busy it is now. */
  load: () => Load

  /** Finishes what is running and closes. */
  close: () => Promise<void>
}

/** How PostgreSQL writes a time in UTC, in its date style ISO. */
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/

/**
 * A time as PostgreSQL writes it in UTC (`2026-01-06 10:30:00.5+00`), as RFC 3339 with milliseconds.
 * Text to text: a Date in between would cost more than the rest of the row.
 * @throws RangeError for any other form, which would yield a wrong time; also when a driver has mixed up responses
 */
export function isoTime (text: string): string {
  if (!TIME.test(text)) throw new RangeError('PostgreSQL writes times in another time zone or date style than was asked for')
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0')}Z`
}

/** PostgreSQL's type number of `timestamptz`, whose text is parsed by isoTime. */
export const TIMESTAMPTZ = 1184

/** Of `date`, which stays the text that it is: no time zone may move a day. */
export const DATE = 1082

/** Of `bigint`: numbers of changes, which stay far below 2⁵³. */
export const INT8 = 20

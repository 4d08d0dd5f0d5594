/** The database cannot do its work now: unreachable, starting, full, read-only, too slow. Trying later may help. */
export class DatabaseUnavailable extends Error {
  /** @param reason a short code, for the log */
  constructor (readonly reason: string) {
    super(`The database is unavailable (${reason})`)
  }
}

/** Another process migrates the database. */
export class MigrationRunning extends DatabaseUnavailable {
  constructor () {
    super('another process migrates')
  }
}

/** Another process uses the embedded database. */
export class DatabaseLocked extends Error {
  constructor (folder: string) {
    super(`The embedded database in ${folder} is in use by another process: stop that one, or set DATABASE_URL`)
  }
}

/** A database that cannot be used as it is, however long one waits. */
export class DatabaseUnfit extends Error {
  /** @param why what is wrong, and how it has to be */
  constructor (why: string) {
    super(`The database of DATABASE_URL cannot be used: ${why}`)
  }
}

/** The folder of an embedded database holds something else, or a part of it, or cannot be written. */
export class DatabaseDamaged extends Error {
  constructor (folder: string, cause: unknown) {
    // An error of PGlite's file system has a number and no text.
    const { message = 'it cannot be read' } = cause as Partial<Error>
    super(`The embedded database in ${folder} cannot be opened (${message.split('\n', 1)[0]}): ` +
      'put back a copy or move it away to begin anew, or set DATABASE_URL', { cause })
  }
}

/** A row that a constraint refuses. */
export class ConstraintViolation extends Error {
  /** @param constraint its name in the tables */
  constructor (readonly kind: 'unique' | 'foreign key', statement: string, readonly constraint = '') {
    super(`${statement} violates a ${kind} constraint${constraint && ` (${constraint})`}`)
  }
}

/**
 * The response to another statement: the connection has mixed up its responses. Nothing of it is used, and it is not a bug of
 * this application.
 */
export class ForeignAnswer extends Error {
  constructor (statement: string) {
    super(`${statement} got the answer to another statement`)
  }
}

/**
 * Any other refusal: a bug. It carries the names around the failure and none of the driver's texts,
 * because those can contain the values of a row, and the log must not.
 */
export class QueryFailed extends Error {
  constructor (statement: string, { code, table, table_name: tableName, column, column_name: columnName, routine }: DriverError) {
    const place = [table ?? tableName, column ?? columnName, routine].filter(Boolean).join(', ')
    super(`${statement} failed with ${code ?? 'no SQLSTATE'}${place && ` (${place})`}`)
  }
}

/**
 * A statement names a table, a schema, a column or a function that is not there. Either the database has been emptied, recreated
 * or not yet restored, or it is a bug: looking for the tables decides.
 */
export class TablesMissing extends DatabaseUnavailable {
  /** @param asBug the same refusal, when the tables are there */
  constructor (reason: string, readonly asBug: QueryFailed) {
    super(reason)
  }
}

/**
 * The constraint that refuses a row. Citus passes on what a worker says without its fields, so that the name stands only in
 * the message, in quotes behind that of a table, and with the number of the shard behind it.
 */
const constraintOf = ({ constraint, constraint_name: name, message }: DriverError): string | undefined =>
  (constraint ?? name ?? message?.match(/"(\w+)"/g)?.at(-1)?.slice(1, -1))?.replace(/_\d+$/, '')

/** The fields of an error of postgres.js or PGlite. */
interface DriverError {
  code?: string
  message?: string
  routine?: string
  table?: string
  table_name?: string
  column?: string
  column_name?: string
  constraint?: string
  constraint_name?: string
}

/**
 * SQLSTATE classes and codes that pass by themselves or by an operator's hand: connection, credentials, missing database,
 * resources, shutdown and cancelled statements, locks and deadlocks, read-only, rights that a restore has not brought along,
 * disks and damaged data. (PostgreSQL documentation, appendix A)
 */
const OUTAGE = /^(08|28|3D|40|53|55|57|58|F0|XX)[0-9A-Z]{3}$|^25006$|^42501$/

/** The same of the driver and of Node.js: connections, and why a server does not get to see the password. */
const DRIVER_OUTAGE = /^E(?!RR_)[A-Z0-9_]{3,}$|^ERR_(TLS|SSL|OSSL|SOCKET|STREAM)_|^CONNECT|^SASL_|^AUTH_TYPE_/

/** Certificates that OpenSSL does not trust. (Node.js documentation, "X509 certificate error codes") */
const UNTRUSTED = /CERT|CRL|^UNABLE_TO_|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$|^HOSTNAME_MISMATCH$/

/** Undefined table, schema, column, function, object. */
const MISSING = /^(42P01|3F000|42703|42883|42704)$/

/**
 * Translates a driver's error, also one that Drizzle has wrapped, into an error of this module.
 * @param statement the name of the statement that failed
 */
export function translated (error: unknown, statement: string): Error {
  const refusal = ((error as Error).cause ?? error) as DriverError
  if (refusal instanceof DatabaseUnavailable) return refusal
  const code = String(refusal.code)
  if ([OUTAGE, DRIVER_OUTAGE, UNTRUSTED].some((kind) => kind.test(code))) return new DatabaseUnavailable(code)
  if (refusal.message === 'PGlite is closed') return new DatabaseUnavailable('closed')
  const constraint = constraintOf(refusal)
  if (code === '23505') return new ConstraintViolation('unique', statement, constraint)
  if (code === '23503') return new ConstraintViolation('foreign key', statement, constraint)
  const bug = new QueryFailed(statement, refusal)
  return MISSING.test(code) ? new TablesMissing(code, bug) : bug
}

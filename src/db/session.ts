import postgres from 'postgres'
import type { ConnectionString, Host } from './connection-string.js'
import { socketsTo } from './socket.js'

/**
 * Settings that the server relies on in each session. Sent when it begins, they override the defaults of the server, the database
 * and the role, and `options` in the connection string. (PostgreSQL documentation, "Setting Parameters")
 */
const SETTINGS = {
  client_encoding: 'UTF8',
  DateStyle: 'ISO, YMD',
  TimeZone: 'UTC',
  standard_conforming_strings: 'on'
}

/** Settings that a pooler like PgBouncer does not pass on: it refuses the connection. There the defaults have to be right. */
const UNKNOWN_TO_POOLERS = {
  bytea_output: 'hex',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off'
}

/** Settings that do not matter to statements that name every schema and use no interval and no float. */
const MORE_SETTINGS = {
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  search_path: 'public'
}

/**
 * What a session is expected to have, by the names of pg_settings.
 * @param statementTimeout milliseconds
 */
export const expectedSettings = ({ pooler }: Pick<ConnectionString, 'pooler'>, statementTimeout: number): Record<string, string> => ({
  ...SETTINGS, ...UNKNOWN_TO_POOLERS, ...(!pooler && ownSettings(statementTimeout))
})

const ownSettings = (statementTimeout: number) => ({ ...MORE_SETTINGS, statement_timeout: String(statementTimeout) })

/** Ignores notices such as "already exists, skipping", which the driver would print. */
const ignoreNotice = (): void => {}

/** How postgres.js connects. All of a connection string is in here, so that the driver parses none itself. */
export type SessionOptions = ReturnType<typeof sessionOptions>

/**
 * How postgres.js connects, whatever for.
 * @param connection what the connection string says
 * @param timeout milliseconds for a new connection, where it does not say that
 * @param statementTimeout milliseconds for a statement; 0 is none
 */
export function sessionOptions (connection: ConnectionString, timeout: number, statementTimeout: number) {
  const { user, password, database, pooler, prepares, applicationName, options, connectTimeout = timeout, primary } = connection
  const settings = {
    application_name: applicationName,
    ...(options && { options }),
    ...SETTINGS,
    ...(!pooler && { ...UNKNOWN_TO_POOLERS, ...ownSettings(statementTimeout) })
  }
  const common = {
    // Only for its messages: `socket` connects.
    host: 'PostgreSQL',
    port: 5432,
    user,
    pass: password,
    database,
    ssl: false as const,
    connect_timeout: connectTimeout / 1000,
    prepare: prepares,
    // It would look up array types, which are not used here, and an error there reaches no caller.
    fetch_types: false,
    onnotice: ignoreNotice,
    // The driver's types do not know all names.
    connection: settings as { application_name: string }
  }

  /** Whether a host accepts writes, which a standby does not. */
  async function takesWrites (host: Host): Promise<boolean> {
    const alone = { ...common, max: 1, socket: socketsTo({ ...connection, hosts: [host] }, connectTimeout) }
    const client = postgres(alone)
    try {
      const [row] = await client<[{ standby: boolean }]>`select pg_is_in_recovery() as standby`
      return !row.standby
    } finally {
      await client.end({ timeout: 1 })
    }
  }

  return { ...common, socket: socketsTo(connection, connectTimeout, primary ? takesWrites : undefined) }
}

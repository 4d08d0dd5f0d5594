/** What is wrong with a connection string, to be read after "it has to be …". It quotes no value, as that may be a password. */
export class BadConnectionString extends Error {}

/** Parameters with a few values. Those that postgres.js cannot keep, as `channel_binding=require`, are missing. */
const CHOICES = {
  sslmode: ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'],
  ssl: ['true', 'false', '1', '0'],
  sslnegotiation: ['postgres'],
  channel_binding: ['disable', 'prefer'],
  gssencmode: ['disable', 'prefer'],
  // This server writes: on one that does not take writes it would be out of order for ever.
  target_session_attrs: ['any', 'read-write', 'primary'],
  load_balance_hosts: ['disable'],
  pgbouncer: ['true', 'false'],
  uselibpqcompat: ['true', 'false']
} as const

const NUMBERS = ['connect_timeout', 'connection_limit'] as const

const TEXTS = [
  'host', 'hostaddr', 'port', 'user', 'password', 'dbname', 'application_name', 'fallback_application_name', 'options',
  'sslrootcert', 'sslcert', 'sslkey', 'sslpassword'
] as const

export type Parameter = keyof typeof CHOICES | typeof NUMBERS[number] | typeof TEXTS[number]

/**
 * What changes nothing here: Prisma's schema, pool and cache, keep-alives, and the session settings that the server makes
 * itself (session.ts). In lower case.
 */
const IGNORED = [
  'schema', 'pool_timeout', 'socket_timeout', 'statement_cache_size',
  'keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'tcp_user_timeout',
  'client_encoding', 'datestyle', 'timezone', 'search_path', 'statement_timeout', 'intervalstyle', 'bytea_output', 'extra_float_digits',
  'standard_conforming_strings', 'default_transaction_isolation', 'default_transaction_read_only'
]

/**
 * The parameters of a connection string that mean something here.
 * @param query what comes after the "?"
 * @throws BadConnectionString for one that is not known, or whose value is none of its own
 */
export function parametersOf (query: string): Map<Parameter, string> {
  const known = new Map<Parameter, string>()
  for (const part of query.split('&').filter(Boolean)) {
    const [name = '', value, ...more] = part.split('=').map(decoded)
    // Anything else may be a piece of a password.
    const shown = /^[a-z][a-z_]*$/i.test(name) ? `its parameter "${name}"` : 'one of its parameters'
    if (value === undefined || more.length > 0) throw new BadConnectionString(`${shown} is not of the form name=value`)
    if (IGNORED.includes(name.toLowerCase())) continue
    const choices: readonly string[] | undefined = CHOICES[name as keyof typeof CHOICES]
    if (choices && value && !choices.includes(value)) throw new BadConnectionString(`${shown} can only be ${choices.join(', ')}`)
    if (NUMBERS.includes(name as never) && !/^\d{0,5}$/.test(value)) throw new BadConnectionString(`${shown} has to be a number`)
    if (!choices && ![...NUMBERS, ...TEXTS].includes(name as never)) throw new BadConnectionString(`${shown} is not known here`)
    known.set(name as Parameter, value)
  }
  return known
}

/** A text without its percent-encoding. @throws BadConnectionString */
export function decoded (text: string): string {
  try {
    const plain = decodeURIComponent(text)
    if (!plain.includes('\0')) return plain
  } catch {
    // Told below, without the text.
  }
  throw new BadConnectionString('it has a "%" that is not of a percent-encoded character; write %25 for the sign itself')
}

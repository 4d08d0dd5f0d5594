import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { ConnectionOptions } from 'node:tls'
import { BadConnectionString, decoded, parametersOf, type Parameter } from './connection-parameters.js'

/** A host to connect to. */
export interface Host {
  /** A name, an address, or the folder of a socket, which begins with `/`. A certificate has to be of this one. */
  name: string
  /** Where it is, when that is given apart from its name. */
  address?: string
  port: number
}

/** What a connection string says. */
export interface ConnectionString {
  hosts: Host[]
  user: string
  password: string
  database: string
  /** `prefer` takes a connection without TLS where there is none; a socket of a folder never has it. */
  tls: 'disable' | 'prefer' | 'require'
  /** For a TLS connection: what is verified, and with what. */
  tlsOptions: ConnectionOptions
  /** Only a server that takes writes will do. */
  primary: boolean
  /** A pooler is in between, which gives a session for a transaction, and passes few settings on. */
  pooler: boolean
  /** Whether statements are prepared. */
  prepares: boolean
  applicationName: string
  /** Command-line options for the session, as `-c name=value`. */
  options: string | undefined
  /** Milliseconds for a new connection to a host. */
  connectTimeout: number | undefined
  /** Connections at most. */
  connectionLimit: number | undefined
}

/**
 * Reads a connection URI of PostgreSQL (libpq, section 34.1.1.2) as libpq does. pg-connection-string throws at several hosts,
 * leaves `%2F` in a database's name, reads `+` as a space, and means other things by `sslmode`.
 * @param env where what is absent comes from: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE
 * @throws BadConnectionString
 */
export function parseConnectionString (text: string, env: NodeJS.ProcessEnv = process.env): ConnectionString {
  const { userinfo, hosts, database, query } = split(text)
  const parameters = parametersOf(query)
  const [user, ...password] = userinfo.split(':')
  const given = (name: Parameter, ...others: Array<string | undefined>) =>
    [parameters.get(name), ...others].find(Boolean)

  const name = given('user', decoded(user!), env.PGUSER) ?? userInfo().username
  return {
    hosts: hostsOf(
      list(given('host')) ?? (hosts ? hosts.map((host) => host.name) : list(env.PGHOST) ?? ['']),
      list(given('port')) ?? (hosts?.some(({ port }) => port) ? hosts.map(({ port }) => port) : [env.PGPORT ?? '']),
      list(given('hostaddr')) ?? []
    ),
    user: name,
    password: given('password', decoded(password.join(':')), env.PGPASSWORD) ?? '',
    database: given('dbname', decoded(database), env.PGDATABASE) ?? name,
    ...tlsOf(given),
    primary: ['read-write', 'primary'].includes(given('target_session_attrs') ?? ''),
    pooler: given('pgbouncer') === 'true',
    prepares: given('pgbouncer') !== 'true',
    applicationName: given('application_name', parameters.get('fallback_application_name')) ?? 'todo-backend',
    options: given('options'),
    // None at all would be no bound, which DATABASE_CONNECT_TIMEOUT is.
    connectTimeout: Number(given('connect_timeout') ?? 0) * 1000 || undefined,
    connectionLimit: Number(given('connection_limit') ?? 0) || undefined
  }
}

/** The hosts, ports and database: what may be shown. */
export function placeOf ({ hosts, database }: ConnectionString): string {
  const all = hosts.map(({ name, port }) => `${name.includes(':') ? `[${name}]` : name}:${port}`)
  return `${all.join(',')}/${database}`.replaceAll(/\p{Cc}/gu, '?')
}

/** The parts of a URI, the names in it still encoded but for those of the hosts. */
export function split (text: string) {
  const [, rest] = /^postgres(?:ql)?:\/\/([^]*)$/i.exec(text.trim()) ?? []
  if (!rest) throw new BadConnectionString('it names no server')
  const path = `${rest}/`.indexOf('/')
  // A password may have a "?", as in libpq, and an "@": the parameters begin with the first "?" after the first "@".
  const first = Math.max(0, rest.slice(0, path).indexOf('@'))
  const [authority = '', ...query] = rest.slice(0, path).slice(first).split('?')
  const whole = rest.slice(0, first) + authority
  const at = whole.lastIndexOf('@')
  const [database = '', ...afterDatabase] = query.length > 0 ? [''] : rest.slice(path + 1).split('?')
  const hosts = whole.slice(at + 1)
  return {
    userinfo: whole.slice(0, Math.max(0, at)),
    hosts: hosts ? hosts.split(',').map(hostOf) : undefined,
    database,
    query: query.length > 0 ? rest.slice(first + authority.length + 1) : afterDatabase.join('?')
  }
}

/** A host of the URI, with brackets around an IPv6 address, and its port. */
function hostOf (text: string): { name: string, port: string } {
  const [, address, name = address, port = ''] = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text) ?? []
  if (name === undefined) throw new BadConnectionString('it has a host that cannot be read; an IPv6 address has brackets around it')
  return { name: decoded(name), port: decoded(port) }
}

/** Puts each host together with its port; one port is that of all. */
function hostsOf (names: string[], ports: string[], addresses: string[]): Host[] {
  const count = Math.max(names.length, addresses.length)
  if (ports.length > 1 && ports.length !== count) throw new BadConnectionString('it has more ports than hosts, or fewer')
  if (addresses.length > 0 && names.length > 1 && addresses.length !== names.length) {
    throw new BadConnectionString('its "hostaddr" has more addresses than there are hosts, or fewer')
  }
  return Array.from({ length: count }, (_, i) => {
    const port = (ports.length > 1 ? ports[i] : ports[0]) || '5432'
    if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) throw new BadConnectionString('it has a port that is no number from 1 to 65535')
    const address = addresses[i]
    return { name: names[i] || address || 'localhost', ...(address && { address }), port: Number(port) }
  })
}

/** What `sslmode` means in libpq (section 34.19.1), with the certificates read. */
function tlsOf (given: (name: Parameter) => string | undefined): Pick<ConnectionString, 'tls' | 'tlsOptions'> {
  const root = given('sslrootcert')
  const system = root === 'system'
  const ssl = { true: 'require', 1: 'require', false: 'disable', 0: 'disable' }[given('ssl') ?? '']
  const mode = given('sslmode') ?? ssl ?? (system ? 'verify-full' : 'prefer')
  if (system && mode !== 'verify-full') throw new BadConnectionString('its "sslrootcert=system" goes with sslmode=verify-full alone')
  if (mode === 'verify-ca' && !root) throw new BadConnectionString('its "sslmode=verify-ca" needs an "sslrootcert"')
  if (!given('sslcert') !== !given('sslkey')) throw new BadConnectionString('its "sslcert" and "sslkey" go together')
  if (mode === 'disable') return { tls: 'disable', tlsOptions: {} }
  const verifies = mode.startsWith('verify') || (mode === 'require' && root)
  const file = (parameter: Parameter) => given(parameter) && read(parameter, given(parameter)!)
  return {
    tls: ['allow', 'prefer'].includes(mode) ? 'prefer' : 'require',
    tlsOptions: {
      // "system" and nothing are what Node.js trusts.
      ca: system ? undefined : file('sslrootcert'),
      cert: file('sslcert'),
      key: file('sslkey'),
      passphrase: given('sslpassword'),
      rejectUnauthorized: Boolean(verifies),
      ...(verifies && mode !== 'verify-full' && { checkServerIdentity: () => undefined })
    }
  }
}

function read (parameter: Parameter, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new BadConnectionString(`the file of its "${parameter}" cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

const list = (text: string | undefined) => text?.split(',')

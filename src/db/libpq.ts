import { parametersOf, type Parameter } from './connection-parameters.js'
import { parseConnectionString, split } from './connection-string.js'

/** How PostgreSQL's own programs call what they read from the environment. (PostgreSQL documentation, "Environment Variables") */
const NAMES: Partial<Record<Parameter, string>> = {
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  channel_binding: 'PGCHANNELBINDING',
  gssencmode: 'PGGSSENCMODE',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  options: 'PGOPTIONS'
}

/**
 * A connection string as the environment of PostgreSQL's own programs: an argument could be read by every user of the machine,
 * with the password, and they refuse what other programs put into a connection string.
 * @param env for all else; what it says of connections does not count, as it does not for the server
 * @throws BadConnectionString
 */
export function libpqEnvironment (url: string, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const { hosts, user, password, database, tls } = parseConnectionString(url, env)
  const parameters = parametersOf(split(url).query)
  const rest = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PG')))
  const more = [...parameters].flatMap(([parameter, value]) => NAMES[parameter] && value ? [[NAMES[parameter], value]] : [])
  // "no-verify" is of other programs, "ssl" of JDBC; all other modes have libpq's names.
  const mode = parameters.get('sslmode') ?? (parameters.get('sslrootcert') === 'system' ? 'verify-full' : tls)
  return {
    ...rest,
    ...Object.fromEntries(more) as NodeJS.ProcessEnv,
    PGHOST: hosts.map(({ name }) => name).join(),
    PGPORT: hosts.map(({ port }) => port).join(),
    ...(hosts.some(({ address }) => address) && { PGHOSTADDR: hosts.map(({ address = '' }) => address).join() }),
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
    PGSSLMODE: mode === 'no-verify' ? 'require' : mode,
    PGAPPNAME: 'todo-backend'
  }
}

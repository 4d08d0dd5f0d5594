import type { Database } from './database.js'
import { DatabaseUnavailable, DatabaseUnfit } from './errors.js'
import type { Statement } from './statement.js'

/** The database's encoding, and which settings are others than expected; numbers are in the units of pg_settings. */
const SESSION: Statement<{ encoding: string, wrong: string | null }> = {
  name: 'session',
  text: `select current_setting('server_encoding') as encoding, (
    select string_agg(expected.name, ', ' order by expected.name)
    from json_each_text($1::text::json) as expected (name, value) join pg_settings present on present.name = expected.name
    where present.setting <> expected.value) as wrong`,
  bind: ({ expected }) => [expected],
  echo: {},
  answersAlways: true
}

/** Protocol violation: so a pooler refuses a setting that it does not pass on. (PostgreSQL documentation, appendix A) */
const REFUSED = '08P01'

/**
 * Looks whether a session is what the statements rely upon. Two poolers are found out here that nobody has told of: one that
 * refuses the session's settings, and one that drops them.
 * @param run as a database's own
 * @param expected settings by their names
 * @param hasPooler whether settings cannot be passed on, so that they are what the role and the database say
 * @throws DatabaseUnfit for an encoding that cannot keep every character
 * @throws DatabaseUnavailable for the rest, which an operator can mend while the server waits
 */
export async function checkFit (run: Database['run'], expected: Record<string, string>, hasPooler: boolean): Promise<void> {
  const [session] = await run(SESSION, { expected: JSON.stringify(expected) }).catch((error: unknown) => {
    const isRefused = error instanceof DatabaseUnavailable && error.reason === REFUSED && !hasPooler
    throw isRefused ? new DatabaseUnavailable(`${REFUSED}: a pooler refuses settings; set DATABASE_POOLER=transaction`) : error
  })
  const { encoding, wrong } = session!
  // Characters that another encoding does not have could not be kept; SQL_ASCII would keep them and take them for others.
  if (encoding !== 'UTF8') throw new DatabaseUnfit(`its encoding is ${encoding} and has to be UTF8`)
  if (!wrong) return
  const values = wrong.split(', ').map((name) => `${name} = '${expected[name]!}'`).join(', ')
  throw new DatabaseUnavailable(hasPooler
    ? `the role or the database has to have ${values}, which no pooler passes on`
    : `a pooler drops settings, ${values}; set DATABASE_POOLER=transaction`)
}

import t from 'tap'
import { ConstraintViolation, DatabaseLocked, DatabaseUnavailable, QueryFailed, translated } from '../../src/db/errors.js'

t.test('what passes by itself or by an operator is an outage', async (t) => {
  const codes = {
    '08006': 'connection lost',
    '28P01': 'wrong password',
    28000: 'unknown user',
    '3D000': 'no such database',
    '40P01': 'deadlock',
    53300: 'too many connections',
    53100: 'disk full',
    '55P03': 'lock not available',
    57014: 'statement timeout',
    '57P01': 'shutdown',
    '57P03': 'starting up',
    25006: 'read-only standby',
    ECONNREFUSED: 'nothing listens',
    ECONNRESET: 'reset',
    ENOTFOUND: 'unknown host',
    EAI_AGAIN: 'name service',
    EPIPE: 'broken pipe',
    CONNECT_TIMEOUT: "postgres.js's own",
    CONNECTION_CLOSED: "postgres.js's own",
    CONNECTION_ENDED: "postgres.js's own"
  }
  for (const [code, why] of Object.entries(codes)) {
    const error = translated({ code, message: 'value' }, 'tasks.list')
    t.match(error, { constructor: DatabaseUnavailable, reason: code, message: `The database is unavailable (${code})` }, why)
  }
  t.match(translated(new Error('PGlite is closed'), 'tasks.list'), { constructor: DatabaseUnavailable, reason: 'closed' })
})

t.test('a violated constraint is told by its kind', async (t) => {
  t.match(translated({ code: '23505' }, 'users.create'), new ConstraintViolation('unique', 'users.create'))
  t.match(translated({ code: '23503' }, 'tasks.create'), new ConstraintViolation('foreign key', 'tasks.create'))
  t.equal(new ConstraintViolation('unique', 'users.create').message, 'users.create violates a unique constraint')
})

t.test('everything else is a bug, told by names and never by values', async (t) => {
  const secrets = { message: 'secret', detail: 'Failing row contains (secret)', where: 'secret', query: 'secret', parameters: ['secret'] }
  const cases: Array<[error: object, message: string]> = [
    [{ code: '42P01', routine: 'parserOpenTable' }, 'tasks.list failed with 42P01 (parserOpenTable)'],
    [{ code: '23502', table_name: 'users', column_name: 'name', routine: 'ExecConstraints' }, 'tasks.list failed with 23502 (users, name, ExecConstraints)'],
    [{ code: '23502', table: 'users', column: 'name' }, 'tasks.list failed with 23502 (users, name)'],
    [{ code: '22P02' }, 'tasks.list failed with 22P02'],
    // Neighbours of what is an outage.
    [{ code: '25001' }, 'tasks.list failed with 25001'],
    [{ code: '0800' }, 'tasks.list failed with 0800'],
    [{ code: '42804' }, 'tasks.list failed with 42804'],
    [{ code: '23514' }, 'tasks.list failed with 23514'],
    [{}, 'tasks.list failed with no SQLSTATE']
  ]
  for (const [error, message] of cases) {
    const translation = translated({ ...secrets, ...error }, 'tasks.list')
    t.match(translation, { constructor: QueryFailed, message })
    t.equal(translation.message, message)
    t.notMatch(JSON.stringify([translation, Object.getOwnPropertyNames(translation), translation.cause]), 'secret')
  }
  t.equal(translated(new TypeError('secret'), 'tasks.list').message, 'tasks.list failed with no SQLSTATE')
})

t.test('a locked folder is told with what to do', async (t) => {
  t.equal(new DatabaseLocked('/data').message,
    'The embedded database in /data is in use by another process: stop that one, or set DATABASE_URL')
})

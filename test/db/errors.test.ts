import t from 'tap'
import {
  ConstraintViolation, DatabaseDamaged, DatabaseLocked, DatabaseUnavailable, QueryFailed, TablesMissing, translated
} from '../../src/db/errors.js'

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
    42501: 'rights that a restore has not brought along',
    '58P01': 'file missing',
    58030: 'I/O error',
    F0000: 'configuration file error',
    XX000: 'internal error',
    XX001: 'data corrupted',
    ECONNREFUSED: 'nothing listens',
    ECONNRESET: 'reset',
    ENOTFOUND: 'unknown host',
    EAI_AGAIN: 'name service',
    EPIPE: 'broken pipe',
    CONNECT_TIMEOUT: "postgres.js's own",
    CONNECTION_CLOSED: "postgres.js's own",
    CONNECTION_ENDED: "postgres.js's own",
    SASL_SIGNATURE_MISMATCH: 'a server that does not know the password',
    AUTH_TYPE_NOT_IMPLEMENTED: 'a server that wants what the driver does not know',
    EPROTO: 'no TLS there',
    ERR_SSL_WRONG_VERSION_NUMBER: 'no TLS there',
    ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'another TLS',
    ERR_TLS_CERT_ALTNAME_INVALID: 'certificate of another host',
    DEPTH_ZERO_SELF_SIGNED_CERT: 'untrusted certificate',
    SELF_SIGNED_CERT_IN_CHAIN: 'untrusted certificate',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'untrusted certificate',
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'untrusted certificate',
    UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'damaged certificate',
    CERT_HAS_EXPIRED: 'certificate of the past',
    CERT_NOT_YET_VALID: 'certificate of the future',
    CRL_HAS_EXPIRED: 'revocations of the past',
    ERROR_IN_CERT_NOT_AFTER_FIELD: 'damaged certificate',
    INVALID_CA: 'certificate of no authority',
    INVALID_PURPOSE: 'certificate for something else',
    PATH_LENGTH_EXCEEDED: 'chain too long',
    HOSTNAME_MISMATCH: 'certificate of another host'
  }
  for (const [code, why] of Object.entries(codes)) {
    const error = translated({ code, message: 'value' }, 'tasks.list')
    t.match(error, { constructor: DatabaseUnavailable, reason: code, message: `The database is unavailable (${code})` }, why)
  }
  t.match(translated(new Error('PGlite is closed'), 'tasks.list'), { constructor: DatabaseUnavailable, reason: 'closed' })
})

t.test('a violated constraint is told by its kind and name', async (t) => {
  t.match(translated({ code: '23505' }, 'users.create'), new ConstraintViolation('unique', 'users.create'))
  t.match(translated({ code: '23505', constraint: 'a' }, 'users.create'), new ConstraintViolation('unique', 'users.create', 'a'), 'PGlite')
  t.match(translated({ code: '23503', constraint_name: 'a' }, 'x'), new ConstraintViolation('foreign key', 'x', 'a'), 'postgres.js')
  const message = 'insert or update on table "sessions_102060" violates foreign key constraint "sessions_owner_id_fkey_102060"'
  t.match(translated({ code: '23503', message }, 'x'), new ConstraintViolation('foreign key', 'x', 'sessions_owner_id_fkey'), 'Citus')
  t.equal(new ConstraintViolation('unique', 'users.create').message, 'users.create violates a unique constraint')
  t.equal(new ConstraintViolation('unique', 'users.create', 'a').message, 'users.create violates a unique constraint (a)')
})

t.test('everything else is a bug, told by names and never by values', async (t) => {
  const secrets = { message: 'secret', detail: 'Failing row contains (secret)', where: 'secret', query: 'secret', parameters: ['secret'] }
  const cases: Array<[error: object, message: string]> = [
    [{ code: '42P02', routine: 'variable_paramref_hook' }, 'tasks.list failed with 42P02 (variable_paramref_hook)'],
    [{ code: '23502', table_name: 'users', column_name: 'name', routine: 'ExecConstraints' }, 'tasks.list failed with 23502 (users, name, ExecConstraints)'],
    [{ code: '23502', table: 'users', column: 'name' }, 'tasks.list failed with 23502 (users, name)'],
    [{ code: '22P02' }, 'tasks.list failed with 22P02'],
    // Neighbours of what is an outage.
    [{ code: '25001' }, 'tasks.list failed with 25001'],
    [{ code: '0800' }, 'tasks.list failed with 0800'],
    [{ code: '42804' }, 'tasks.list failed with 42804'],
    [{ code: '23514' }, 'tasks.list failed with 23514'],
    [{ code: 'ERR_INVALID_ARG_TYPE' }, 'tasks.list failed with ERR_INVALID_ARG_TYPE'],
    [{ code: 'UNDEFINED_VALUE' }, 'tasks.list failed with UNDEFINED_VALUE'],
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

t.test('what is not there is an outage or a bug, as the tables will tell', async (t) => {
  for (const code of ['42P01', '3F000', '42703', '42883', '42704']) {
    const error = translated({ code, routine: 'parserOpenTable', message: 'secret' }, 'tasks.list') as TablesMissing
    t.match(error, { constructor: TablesMissing, reason: code, message: `The database is unavailable (${code})` })
    t.match(error.asBug, { constructor: QueryFailed, message: `tasks.list failed with ${code} (parserOpenTable)` })
  }
})

t.test('a locked or damaged folder is told with what to do', async (t) => {
  t.match(new DatabaseDamaged('/data', { errno: 44 }).message, /^The embedded database in \/data cannot be opened \(it cannot be read\): /)
  t.equal(new DatabaseDamaged('/data', new Error('Aborted\nat …')).message,
    'The embedded database in /data cannot be opened (Aborted): put back a copy or move it away to begin anew, or set DATABASE_URL')
  t.equal(new DatabaseLocked('/data').message,
    'The embedded database in /data is in use by another process: stop that one, or set DATABASE_URL')
})

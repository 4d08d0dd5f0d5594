import { userInfo } from 'node:os'
import t from 'tap'
import { BadConnectionString } from '../../src/db/connection-parameters.js'
import { parseConnectionString, placeOf, type ConnectionString } from '../../src/db/connection-string.js'
import { certificate } from '../support/front.js'

const me = userInfo().username
const ca = certificate('ca.crt')
const read = (text: string, env: NodeJS.ProcessEnv = {}) => parseConnectionString(text, env)

/** Hosts as `name:port`, or `name=address:port`. */
const shown = ({ hosts }: ConnectionString) =>
  hosts.map(({ name, address, port }) => `${name}${address ? `=${address}` : ''}:${port}`).join()

// The forms of libpq's own test (src/interfaces/libpq/t/001_uri.pl), and what people write besides.
const parts: Array<[text: string, hosts: string, user?: string, password?: string, database?: string]> = [
  ['postgresql://uri-user:secret@host:12345/db', 'host:12345', 'uri-user', 'secret', 'db'],
  ['postgresql://uri-user@host/db', 'host:5432', 'uri-user', '', 'db'],
  ['postgresql://host/db', 'host:5432', me, '', 'db'],
  ['postgresql://uri-user@host:12345/', 'host:12345', 'uri-user', '', 'uri-user'],
  ['postgresql://uri-user@', 'localhost:5432', 'uri-user', '', 'uri-user'],
  ['postgresql://host:12345', 'host:12345'],
  ['postgresql://?hostaddr=127.0.0.1', '127.0.0.1=127.0.0.1:5432'],
  ['postgresql://example.com?hostaddr=63.1.2.4', 'example.com=63.1.2.4:5432'],
  ['postgresql://%68ost/', 'host:5432'],
  ['postgresql://host/db?user=uri-user&port=12345', 'host:12345', 'uri-user', '', 'db'],
  ['postgresql://host/db?u%73er=someotheruser&port=12345', 'host:12345', 'someotheruser', '', 'db'],
  ['postgresql://host:12345?user=uri-user', 'host:12345', 'uri-user', '', 'uri-user'],
  ['postgresql://host?', 'host:5432'],
  ['postgresql://[::1]:12345/db', '::1:12345', me, '', 'db'],
  ['postgresql://[2001:db8::1234]/', '2001:db8::1234:5432'],
  ['postgresql://[fe80::1%25eth0]/', 'fe80::1%eth0:5432'],
  ['postgres:///', 'localhost:5432'],
  ['postgres:///db', 'localhost:5432', me, '', 'db'],
  ['postgres://uri-user@/db', 'localhost:5432', 'uri-user', '', 'db'],
  ['postgres://?host=/path/to/socket/dir', '/path/to/socket/dir:5432'],
  ['postgres://@host', 'host:5432'],
  ['postgres://host:/', 'host:5432'],
  ['postgres://:12345/', 'localhost:12345'],
  ['postgres://otheruser@?host=/no/such/directory', '/no/such/directory:5432', 'otheruser', '', 'otheruser'],
  ['postgres://otheruser@/?host=/no/such/directory', '/no/such/directory:5432', 'otheruser', '', 'otheruser'],
  ['postgres://otheruser@:12345/db?host=/path/to/socket', '/path/to/socket:12345', 'otheruser', '', 'db'],
  ['postgres://%2Fvar%2Flib%2Fpostgresql/dbname', '/var/lib/postgresql:5432', me, '', 'dbname'],
  ['postgres://localhost/db?host=', 'localhost:5432', me, '', 'db'],

  ['postgres://a:1,[::2]:2,%2Frun/db', 'a:1,::2:2,/run:5432', me, '', 'db'],
  ['postgres://a,b/db?port=1', 'a:1,b:1', me, '', 'db'],
  ['postgres://x/db?host=a,b&port=1,2', 'a:1,b:2', me, '', 'db'],
  ['postgres://a,b/db?hostaddr=192.0.2.1,192.0.2.2', 'a=192.0.2.1:5432,b=192.0.2.2:5432', me, '', 'db'],
  ['postgres://user%20name:p%40ss%3A%2F%25@host/my%2Fdb%23%20%C3%BC', 'host:5432', 'user name', 'p@ss:/%', 'my/db# ü'],
  ['postgres://user:pass?w#rd+:@host:1/db?application_name=x', 'host:1', 'user', 'pass?w#rd+:', 'db'],
  ['postgres://user:p@ssw@rd@host?application_name=x', 'host:5432', 'user', 'p@ssw@rd'],
  ['postgres://user@host/db?password=a+b%26c&dbname=other&user=', 'host:5432', 'user', 'a+b&c', 'other'],
  ['  POSTGRESQL://user@Host/Db\n', 'Host:5432', 'user', '', 'Db']
]

t.test('a connection string is read as libpq reads it', async (t) => {
  for (const [text, hosts, user = me, password = '', database = user] of parts) {
    const all = read(text)
    t.strictSame([shown(all), all.user, all.password, all.database], [hosts, user, password, database], text)
  }
})

t.test('what it leaves out comes from the environment, as for libpq', async (t) => {
  const env = { PGHOST: '/run,b', PGPORT: '1', PGUSER: 'ada', PGPASSWORD: 'of ada', PGDATABASE: 'todo' }
  const all = read('postgres:///', env)
  t.strictSame([shown(all), all.user, all.password, all.database], ['/run:1,b:1', 'ada', 'of ada', 'todo'])
  const own = read('postgres://eve:own@host:5/db', env)
  t.strictSame([shown(own), own.user, own.password, own.database], ['host:5', 'eve', 'own', 'db'])
})

const meanings: Array<[query: string, expected: object]> = [
  ['', { tls: 'prefer', primary: false, pooler: false, applicationName: 'todo-backend', options: undefined, connectTimeout: undefined }],
  ['sslmode=disable', { tls: 'disable' }],
  ['sslmode=allow', { tls: 'prefer', tlsOptions: { rejectUnauthorized: false } }],
  ['sslmode=prefer', { tls: 'prefer', tlsOptions: { rejectUnauthorized: false } }],
  ['sslmode=require', { tls: 'require', tlsOptions: { rejectUnauthorized: false } }],
  ['sslmode=no-verify', { tls: 'require', tlsOptions: { rejectUnauthorized: false } }],
  ['ssl=true', { tls: 'require', tlsOptions: { rejectUnauthorized: false } }],
  ['ssl=0', { tls: 'disable' }],
  [`sslmode=require&sslrootcert=${ca}`, { tls: 'require', tlsOptions: { rejectUnauthorized: true, checkServerIdentity: Function, ca: Buffer } }],
  [`sslmode=verify-ca&sslrootcert=${ca}`, { tls: 'require', tlsOptions: { rejectUnauthorized: true, checkServerIdentity: Function, ca: Buffer } }],
  [`sslmode=verify-full&sslrootcert=${ca}`, { tls: 'require', tlsOptions: { rejectUnauthorized: true, checkServerIdentity: undefined, ca: Buffer } }],
  ['sslmode=verify-full', { tls: 'require', tlsOptions: { rejectUnauthorized: true, ca: undefined } }],
  ['sslrootcert=system', { tls: 'require', tlsOptions: { rejectUnauthorized: true, ca: undefined } }],
  [`sslcert=${certificate('client.crt')}&sslkey=${certificate('client.key')}&sslpassword=x`, { tlsOptions: { cert: Buffer, key: Buffer, passphrase: 'x' } }],
  ['target_session_attrs=any', { primary: false }],
  ['target_session_attrs=read-write', { primary: true }],
  ['target_session_attrs=primary', { primary: true }],
  ['channel_binding=prefer&gssencmode=disable&sslnegotiation=postgres&load_balance_hosts=disable&uselibpqcompat=true', {}],
  ['pgbouncer=true&connection_limit=1', { pooler: true, prepares: false, connectionLimit: 1 }],
  ['pgbouncer=false', { pooler: false, prepares: true, connectionLimit: undefined }],
  ['schema=other&pool_timeout=5&statement_cache_size=0&keepalives=1&keepalives_idle=30', {}],
  ['TimeZone=Asia%2FKolkata&DateStyle=German&search_path=x&statement_timeout=1', { options: undefined }],
  ['application_name=mine&fallback_application_name=other', { applicationName: 'mine' }],
  ['fallback_application_name=other', { applicationName: 'other' }],
  ['options=-c%20work_mem%3D64MB', { options: '-c work_mem=64MB' }],
  ['connect_timeout=10', { connectTimeout: 10_000 }],
  ['connect_timeout=0', { connectTimeout: undefined }],
  ['sslmode=&&connect_timeout=', { tls: 'prefer', connectTimeout: undefined }]
]

t.test('its parameters mean what their names say', async (t) => {
  for (const [query, expected] of meanings) t.match(read(`postgres://host/db?${query}`), expected, query)
})

const bad: Array<[text: string, why: RegExp]> = [
  ['postgres:', /names no server/], ['postgres://', /names no server/], ['postgre://host', /names no server/],
  ['postgres://[::1', /host that cannot be read/], ['postgres://[]', /host that cannot be read/], ['postgres://[::1]z', /host that cannot be read/],
  ['postgres://::1/db', /host that cannot be read.*brackets/],
  ['postgres://u:hunter2@h:port/db', /port/], ['postgres://u:hunter2/@h/db', /port/], ['postgres://h:0/db', /port/], ['postgres://h:65536', /port/],
  ['postgres://a,b/db?port=1,2,3', /more ports/], ['postgres://a,b/db?hostaddr=192.0.2.1', /hostaddr/],
  ['postgres://u:hunter2%@h/db', /percent-encoded/], ['postgres://h/%00', /percent-encoded/], ['postgres://h?dbname=%XXfoo', /percent-encoded/],
  ['postgres://h/db?zzz', /parameter "zzz" is not of the form/], ['postgres://h/db?key=key=hunter2', /parameter "key" is not of the form/],
  ['postgres://h/db?password=x&hunter-2', /one of its parameters is not of the form/],
  ['postgres://h/db?uzer=ada', /parameter "uzer" is not known/], ['postgres://h/db?SSLMODE=require', /parameter "SSLMODE" is not known/],
  ['postgres://h/db?sslmode=hunter2', /parameter "sslmode" can only be disable, allow/],
  ['postgres://h/db?channel_binding=require', /parameter "channel_binding" can only be disable, prefer/],
  ['postgres://h/db?gssencmode=require', /parameter "gssencmode" can only be/],
  ['postgres://h/db?target_session_attrs=standby', /parameter "target_session_attrs" can only be any, read-write, primary/],
  ['postgres://h/db?sslnegotiation=direct', /parameter "sslnegotiation"/], ['postgres://h/db?load_balance_hosts=random', /parameter "load_balance_hosts"/],
  ['postgres://h/db?connect_timeout=soon', /parameter "connect_timeout" has to be a number/],
  ['postgres://h/db?sslmode=verify-ca', /"sslmode=verify-ca" needs an "sslrootcert"/],
  ['postgres://h/db?sslmode=require&sslrootcert=system', /"sslrootcert=system" goes with sslmode=verify-full/],
  ['postgres://h/db?sslrootcert=/nowhere', /file of its "sslrootcert" cannot be read: ENOENT/],
  ['postgres://h/db?sslcert=/nowhere', /"sslcert" and "sslkey" go together/]
]

t.test('one that cannot be honoured is refused with one line that names what it is, and no value', async (t) => {
  for (const [text, why] of bad) {
    t.throws(() => read(text), { constructor: BadConnectionString, message: why }, text)
    t.throws(() => read(text), { message: /^(?!.*hunter)[^\n]+$/ }, text)
  }
})

t.test('it is shown without credentials and parameters', async (t) => {
  const places = {
    'postgres://ada:s3cret@db.example:5433/todo?password=s3cret': 'db.example:5433/todo',
    'postgres://ada:s3cret@[::1]/todo': '[::1]:5432/todo',
    'postgres://ada:s3cret@a,b:5433/todo': 'a:5432,b:5433/todo',
    'postgres:///todo?host=/run/postgresql': '/run/postgresql:5432/todo',
    'postgres://h/a%0A%1B%5B2J': 'h:5432/a??[2J'
  }
  for (const [text, place] of Object.entries(places)) t.equal(placeOf(read(text)), place)
})

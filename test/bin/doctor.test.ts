import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { connectEmbedded } from '../../src/db/embedded.js'
import type { DatabaseFacts } from '../../src/db/inspect.js'
import { findingsOn, refusalOf } from '../../src/operations/check-database.js'
import { checkDisk, checkNode, checkPort } from '../../src/operations/check-surroundings.js'
import { diagnose } from '../../src/operations/doctor.js'
import { reasonOf, type Finding } from '../../src/operations/findings.js'
import { startApp, testSettings } from '../helper.js'
import { connectTo } from '../support/database.js'
import { migratedDump } from '../support/dump.js'
import { freePort } from '../support/free-port.js'
import { start } from '../support/process.js'
import { startPublisher } from '../support/publisher.js'
import { postgresServer } from '../support/wire.js'

/** Nothing listens there. */
const ABSENT = '127.0.0.1:1'

/** What the doctor finds with some settings, about one thing. */
async function found (what: string, settings: NodeJS.ProcessEnv): Promise<Finding[]> {
  const all = []
  const load = () => loadConfig({ ...testSettings, PORT: '0', DATABASE_URL: 'pglite:memory', ...settings })
  for await (const finding of diagnose(load)) all.push(finding)
  return all.filter((finding) => finding.what === what)
}

t.test('PostgreSQL, as it is asked: what is wrong with it is found, and nothing is changed', async (t) => {
  const server = await postgresServer(t)
  const timeouts = { DATABASE_CONNECT_TIMEOUT: '2000', DATABASE_STATEMENT_TIMEOUT: '2000' }
  // A busy machine is slow.
  const says = async (url = server.url) => (await found('Database', { DATABASE_URL: url, ...timeouts }))
    .map(({ says }) => says).filter((text) => !text.startsWith('an answer takes'))
  const news = (text: string) => !/answers in| off: /.test(text)
  const sql = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })
  t.teardown(async () => { await sql.end() })

  t.match(await says(), [/^PostgreSQL at \S+, PostgreSQL \d+\.\d+, answers in [\d.]+ ms$/, /^migrations to be applied: \d+$/, /^fsync[^:]* off: /])
  t.strictSame([...await sql`select nspname from pg_namespace where nspname = 'todo'`], [])
  const database = connectTo(server.url, { DATABASE_POOL_SIZE: '1' })
  await database.start()
  await database.close()
  t.strictSame((await says()).filter(news), [])

  await sql.unsafe('drop role if exists doctor_reader; create role doctor_reader login')
  const reader = new URL(server.url)
  reader.username = 'doctor_reader'
  t.match((await says(reader.href)).filter(news), [/^the role may not read and write endings, [^]*, users$/], 'also when it may not see the migrations')
  await sql.unsafe('grant usage on schema todo to doctor_reader; grant select, insert, update, delete on all tables in schema todo to doctor_reader')
  t.strictSame((await says(reader.href)).filter(news), [])
  await sql.unsafe('delete from todo.__drizzle_migrations where created_at = (select max(created_at) from todo.__drizzle_migrations)')
  t.match((await says()).filter(news), ['migrations to be applied: 1'])
  t.match((await says(reader.href)).filter(news), ['migrations to be applied: 1, and the role may not'])
  await sql.unsafe('insert into todo.compatibility values (99)')
  t.match((await says()).filter(news), ['a newer version has migrated it, and this one cannot work with it'])
  await sql.unsafe("delete from todo.compatibility; alter table todo.compatibility alter generation type text; insert into todo.compatibility values ('none')")
  t.match(await says(), [/: it cannot be used \(a look at the database failed with \w{5}/], 'what nobody foresaw')
  await sql.unsafe('drop owned by doctor_reader; drop role doctor_reader')

  server.treat('stall')
  t.match(await found('Database', { DATABASE_URL: server.url, DATABASE_CONNECT_TIMEOUT: '100', DATABASE_STATEMENT_TIMEOUT: '100' }),
    [{ says: /it does not answer in time/, mend: /firewall/ }])
})

t.test('why a PostgreSQL lets nobody in', async (t) => {
  t.match(await found('Database', { DATABASE_URL: `postgres://ada:s3cret@${ABSENT}/todo` }),
    [{ says: `PostgreSQL at ${ABSENT}/todo: nothing listens there (ECONNREFUSED)`, mend: /start PostgreSQL/ }])
  const cases: Array<[reason: string, says: string]> = [
    ['28P01', 'it refuses the user or the password'], ['ENOTFOUND', 'its host has no address'], ['CONNECT_TIMEOUT', 'it does not answer in time'],
    ['3D000', 'it has no such database'], ['53300', 'it has no connection left'], ['57P03', 'it is starting or stopping'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'no TLS connection that can be trusted'], ['takes no writes', 'none of its hosts takes writes'],
    ['XX000', 'it cannot be used']
  ]
  for (const [reason, says] of cases) t.equal(refusalOf('there', reason).says, `there: ${says} (${reason})`)
})

t.test('what can be odd about a PostgreSQL', async (t) => {
  const well: DatabaseFacts = {
    version: 180001, encoding: 'UTF8', icu: true, standby: false, notDurable: null, mayCreate: true, forbidden: null, pending: 0, newer: false, latency: 1, ahead: 0
  }
  const cases: Array<[facts: Partial<DatabaseFacts>, says: RegExp]> = [
    [{ version: 140010 }, /^PostgreSQL 14\.10 is too old$/],
    [{ encoding: 'SQL_ASCII' }, /^its encoding is SQL_ASCII$/],
    [{ icu: false }, /^it has no ICU/],
    [{ standby: true }, /^it is a standby/],
    [{ notDurable: 'fsync' }, /^fsync off: /],
    [{ latency: 45 }, /^an answer takes 45 ms/],
    [{ ahead: 3500 }, /^its clock is 3\.5 s ahead of /],
    [{ ahead: -3500 }, /^its clock is 3\.5 s behind /]
  ]
  for (const [facts, says] of cases) {
    const [first, ...rest] = findingsOn('there', { ...well, ...facts }, true)
    t.match(first, { says: /^there, PostgreSQL / })
    t.match(rest, [{ says, mend: /./ }])
  }
  t.equal(findingsOn('there', { ...well, notDurable: 'fsync' }, false).length, 1, 'of an embedded one nobody expects it')
})

t.test('the embedded database', async (t) => {
  const home = t.testdir({ damaged: { PG_VERSION: 'none' } })
  const says = async (folder: string, port = '0') => (await found('Database', { DATABASE_URL: `pglite:${home}/${folder}`, PORT: port })).map(({ says }) => says)
  t.match(await found('Database', {}), [{ says: /in memory/ }])
  t.match(await says('absent/data'), [`embedded, will be made in ${home}/absent/data`])
  t.notOk(existsSync(join(home, 'absent')))
  t.match(await says('damaged'), [/damaged cannot be opened/])
  const database = connectEmbedded(join(home, 'data'), { dump: await migratedDump() })
  await database.start()
  t.match(await says('data'), [/^The embedded database in \S+ is in use by another process/])
  const { app } = await startApp(t)
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  t.match(await says('data', port), [`embedded in ${home}/data, which the server uses`])
  await database.close()
  t.match(await says('data'), [/^embedded in \S+, PostgreSQL \d+\.\d+, answers in/])

  // A file system without a free byte.
  t.match(checkDisk(existsSync('/proc') ? '/proc/folder' : '/dev/folder'), { says: /^\d+ MiB free for /, mend: /make room/ })
  t.strictSame(Object.keys(checkDisk(home)), ['what', 'says'])
})

t.test('an error without a code is told by its text', async (t) => {
  t.equal(reasonOf(new Error('no such thing')), 'no such thing')
  t.equal(reasonOf(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })), 'ECONNREFUSED')
})

t.test('Node.js has to be new enough', async (t) => {
  for (const version of ['18.20.0', '20.18.3']) t.match(checkNode(version), { says: `${version} is too old`, mend: /^install 20\.19 or later/ })
  for (const version of ['20.19.0', '24.1.0', process.versions.node]) t.strictSame(checkNode(version), { what: 'Node.js', says: version })
})

t.test('the port is free, ours, or another program\'s', async (t) => {
  t.match(await checkPort('127.0.0.1', await freePort()), { says: 'is free' })
  const other = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')).listen(0, '0.0.0.0')
  await once(other, 'listening')
  t.teardown(() => { other.close() })
  const { port } = other.address() as AddressInfo
  t.match(await checkPort('0.0.0.0', port), { says: 'another program has it', mend: 'stop that, or set PORT', isThisApi: false })
  const silent = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => { silent.close() })
  t.match(await checkPort('127.0.0.1', (silent.address() as AddressInfo).port), { says: 'another program has it', isThisApi: false })
  t.match(await checkPort('203.0.113.1', port), { says: /^cannot be used \(E\w+\)$/, mend: 'correct HOST and PORT' })
  const { app } = await startApp(t)
  const host = await app.listen({ host: '::1', port: 0 }).then(() => '::1', async () => new URL(await app.listen({ host: '127.0.0.1', port: 0 })).hostname)
  t.match(await checkPort(host, (app.server.address() as AddressInfo).port), { says: 'a server of this API runs there', isThisApi: true })
})

t.test('Redis answers, or is away', async (t) => {
  t.match(await found('Redis', { REDIS_URL: (await startPublisher(t)).url }), [{ says: 'answers' }])
  t.match(await found('Redis', { REDIS_URL: `redis://:s3cret@${ABSENT}` }), [{ says: /^cannot be used \(ECONNREFUSED\)/, mend: /REDIS_URL/ }])
})

t.test('the mail server lets us in, refuses the password, or is away', async (t) => {
  const server = async (options: SMTPServerOptions) => {
    const smtp = new SMTPServer({ disabledCommands: ['STARTTLS'], ...options })
    smtp.on('error', () => {})
    smtp.listen(0, '127.0.0.1')
    await once(smtp.server, 'listening')
    t.teardown(() => { smtp.close() })
    return `127.0.0.1:${(smtp.server.address() as AddressInfo).port}`
  }
  const mails = { MAIL_FROM: 'todo@example.com', APP_URL: 'https://app.example.com/' }
  const check = async (url: string) => found('SMTP', { ...mails, SMTP_URL: url })
  t.match(await check(`smtp://${await server({ authOptional: true })}`), [{ says: 'the mail server lets us in' }])
  const refusing = await server({ onAuth: (_auth, _session, done) => { done(new Error('no')) } })
  t.match(await check(`smtp://ada:s3cret@${refusing}`), [{ says: /\(EAUTH 535\)/, mend: 'correct user and password in SMTP_URL' }])
  t.match(await check(`smtp://ada:s3cret@${ABSENT}`), [{ says: /\(E\w+\): no mail goes out$/, mend: 'start it, or correct SMTP_URL' }])
})

async function run (t: Test, settings: NodeJS.ProcessEnv) {
  return await start(t, 'doctor.ts', t.testdir(), { ...testSettings, PORT: '0', DATABASE_URL: 'pglite:memory', ...settings }).ended
}

t.test('npm run doctor: status 0 when all is well, and 1 when anything is wrong, which it names', async (t) => {
  t.match(await run(t, {}), { status: 0, out: /^ok +Node\.js: [^]+\nok +Settings: [^]+\n\nAll is well\n$/, err: '' })
  const { status, out, err } = await run(t, { PORT: 's3cret' })
  t.strictSame({ status, err }, { status: 1, err: '' })
  t.match(out, /\nWRONG +Settings: Setting PORT is missing or wrong: (?!.*s3cret)[^\n]+\n +→ [^\n]+\n\nWrong: 1\n$/)
})

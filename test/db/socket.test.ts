import { mkdtempSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseConnectionString } from '../../src/db/connection-string.js'
import type { Database } from '../../src/db/database.js'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { sessionOptions } from '../../src/db/session.js'
import { socketsTo } from '../../src/db/socket.js'
import { connectTo } from '../support/database.js'
import { certificate, frontOf } from '../support/front.js'
import { proxyTo } from '../support/proxy.js'
import { teardown } from '../support/teardown.js'
import { postgresServer } from '../support/wire.js'

const { url } = await postgresServer(t)
const { username, pathname } = new URL(url)
const plain = await frontOf(t, url)
const secure = await frontOf(t, url, { answer: 'S' })
const stuffed = await frontOf(t, url, { answer: 'SX' })
const folder = mkdtempSync(join(tmpdir(), 'todo-'))
await frontOf(t, url, { path: join(folder, '.s.PGSQL.5432') })
teardown(t, () => { rmSync(folder, { recursive: true }) })
const hasIPv6 = Object.values(networkInterfaces()).flat().some((one) => one?.internal && one.family === 'IPv6')
const six = hasIPv6 ? await frontOf(t, url, { path: '::1' }) : undefined
const ca = `sslrootcert=${certificate('ca.crt')}`
const nowhere = '127.0.0.1:1'

const urlOf = (hosts: string, query: string) => `postgres://${username}@${hosts}${pathname}?${query}`

async function closing<Result> (database: Database, work: (database: Database) => Promise<Result>): Promise<Result> {
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** With TLS, without, or why not. */
const cases: Array<[hosts: string, query: string, outcome: string]> = [
  [`127.0.0.1:${plain.port}`, '', 'without'],
  [`127.0.0.1:${plain.port}`, 'sslmode=disable', 'without'],
  [`127.0.0.1:${plain.port}`, 'sslmode=allow', 'without'],
  [`127.0.0.1:${plain.port}`, 'sslmode=require', 'no TLS'],
  [`127.0.0.1:${plain.port}`, `sslmode=verify-full&${ca}`, 'no TLS'],
  [`127.0.0.1:${secure.port}`, '', 'with'],
  [`127.0.0.1:${secure.port}`, 'sslmode=disable', 'without'],
  [`127.0.0.1:${secure.port}`, 'sslmode=prefer', 'with'],
  [`127.0.0.1:${secure.port}`, 'sslmode=require', 'with'],
  [`127.0.0.1:${secure.port}`, `sslmode=verify-ca&${ca}`, 'with'],
  [`127.0.0.1:${secure.port}`, `sslmode=verify-full&${ca}`, 'with'],
  [`localhost:${secure.port}`, `sslmode=verify-full&${ca}`, 'with'],
  [`127.0.0.1:${secure.port}`, 'sslmode=verify-full', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [`127.0.0.1:${secure.port}`, `sslmode=verify-full&sslrootcert=${certificate('server.crt')}`, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [`db.example:${secure.port}`, `hostaddr=127.0.0.1&sslmode=verify-full&${ca}`, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [`db.example:${secure.port}`, `hostaddr=127.0.0.1&sslmode=verify-ca&${ca}`, 'with'],
  [`127.0.0.1:${stuffed.port}`, 'sslmode=require', 'no TLS'],
  [`127.0.0.1:${stuffed.port}`, 'sslmode=prefer', 'without'],
  ['', `host=${folder}`, 'without'],
  [encodeURIComponent(folder), 'sslmode=require', 'without'],
  ...(six ? [[`[::1]:${six.port}`, '', 'without'], [`127.0.0.1:${six.port},[::1]:${six.port}`, '', 'without']] as Array<[string, string, string]> : []),
  [`${nowhere},127.0.0.1:${plain.port}`, '', 'without'],
  [`${nowhere},127.0.0.1:${plain.port}`, 'target_session_attrs=read-write', 'without'],
  [`127.0.0.1:${plain.port},${nowhere}`, 'target_session_attrs=any', 'without'],
  [`${nowhere},127.0.0.1:2`, '', 'ECONNREFUSED, ECONNREFUSED'],
  ['', 'host=/nowhere', 'ENOENT'],
  [`127.0.0.1:${plain.port}`, 'pgbouncer=true&connection_limit=1&schema=public', 'without'],
  [`127.0.0.1:${plain.port}`, 'channel_binding=prefer&gssencmode=prefer&connect_timeout=5&application_name=mine', 'without']
]

for (const [hosts, query, outcome] of cases) {
  t.test(`${hosts.replace(/todo-\w+/, '…')}?${query.replaceAll(/%?2?F?\/\S*\//g, '')} is ${outcome.replace(/^with.*/, 'served $& TLS')}`, async (t) => {
    const before = secure.counts.tls
    const started = await closing(connectTo(urlOf(hosts, query)), async (database) => {
      try {
        await database.start()
        await database.ping()
        return secure.counts.tls > before ? 'with' : 'without'
      } catch (error) {
        t.type(error, DatabaseUnavailable)
        return (error as DatabaseUnavailable).reason
      }
    })
    t.equal(started, outcome)
  })
}

t.test('a host that answers is asked first from then on, so that one that stalls costs its time once', async (t) => {
  const stalling = await proxyTo(url)
  stalling.treat('stall')
  t.teardown(() => { stalling.refuse(); stalling.cut() })
  const through = urlOf(`${new URL(stalling.url).host},127.0.0.1:${plain.port}`, 'sslmode=require&connect_timeout=1')
  const open = socketsTo({ ...parseConnectionString(through), tls: 'disable' }, 100)
  for (let i = 0; i < 2; i++) (await open()).destroy()
  t.equal(stalling.connections(), 2, 'without TLS the first answers')
  const secured = socketsTo({ ...parseConnectionString(through), tls: 'prefer' }, 100)
  for (let i = 0; i < 3; i++) (await secured()).destroy()
  t.equal(stalling.connections(), 3, 'with it, it never does')
})

t.test('a host that takes no writes is passed over, and when all are so, it is said', async (t) => {
  const { hosts, ...rest } = parseConnectionString(urlOf(`127.0.0.1:${secure.port},127.0.0.1:${plain.port}`, ''))
  const before = plain.counts.all
  const socket = await socketsTo({ hosts, ...rest }, 2000, async ({ port }) => port === plain.port)()
  socket.destroy()
  t.equal(plain.counts.all, before + 1)
  const failed = await socketsTo({ hosts, ...rest }, 2000, async () => false)()
  const why = await new Promise((resolve) => { failed.on('error', resolve).write('anything') })
  t.match(why, new DatabaseUnavailable('takes no writes, takes no writes'))
  const vain = await socketsTo({ hosts: hosts.slice(1), ...rest }, 2000, async () => { throw new Error('asked in vain') })()
  t.match(await new Promise((resolve) => { vain.on('error', resolve).write('anything') }), new DatabaseUnavailable('asked in vain'))
})

t.test('PgBouncer is asked for no setting that it does not know', async (t) => {
  const settings = (query: string) => Object.keys(sessionOptions(parseConnectionString(urlOf('h', query)), 1, 1).connection)
  t.strictSame(settings('pgbouncer=true'), ['application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings'])
  t.ok(settings('').includes('search_path'))
  t.notOk(settings('').includes('options'))
  t.ok(settings('options=-c%20work_mem%3D1MB').includes('options'))
})

t.test('a process that was busy for longer than a connection may take still gets it', async (t) => {
  const { hosts, tls, tlsOptions } = parseConnectionString(urlOf(`127.0.0.1:${plain.port}`, 'sslmode=disable'))
  const connecting = socketsTo({ hosts, tls, tlsOptions }, 50)()
  for (const end = Date.now() + 200; Date.now() < end;);
  const socket = await connecting
  t.notOk(socket.errored)
  t.ok('remotePort' in socket && socket.remotePort === plain.port)
  socket.destroy()
})

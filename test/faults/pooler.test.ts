import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { until } from '../support/until.js'
import { clientOf, signUp } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { poolers, startPooler, type Program } from './support/pgbouncer.js'
import { PROMISED } from './support/run.js'
import { startServer } from './support/server.js'

/* Behind PgBouncer in transaction mode: what a server does that has been told of it, and one that has not. */

const ADVISORY = "select pid from pg_locks where locktype = 'advisory'"
const WAITING = "select pid from pg_stat_activity where wait_event_type = 'Lock'"

/** A server that nobody has told says what is wrong, in one line, and gives no answer that could be wrong. */
async function isNoticed (t: Test, url: string, said: RegExp): Promise<void> {
  const { port, log } = await startServer(t, { DATABASE_URL: url })
  const { call } = clientOf(t, port)
  const lines = () => readFileSync(log, 'utf8').split('\n').filter((line) => said.test(line))
  await until('it is said', () => lines().length > 0)
  t.equal((await call('GET', '/health')).status, 200)
  for (let n = 0; n < 10; n++) t.equal((await call('GET', '/ready')).status, 503)
  t.equal(lines().length, 1, 'in one line')
}

/** A table that somebody holds costs whoever wants it the time of the setting, and leaves nobody waiting in PostgreSQL. */
async function endsStatements (t: Test, { open, sql }: Cluster, port: number): Promise<void> {
  const client = clientOf(t, port)
  const [ada] = await signUp(client, 1)
  const list = async () => client.call('GET', '/api/tasks', { token: ada!.token })
  t.equal((await list()).status, 200)
  const holder = open()
  t.teardown(async () => { await holder.end({ timeout: 1 }) })
  await holder.begin(async (held) => {
    await held`lock table todo.tasks in access exclusive mode`
    const answers = await Promise.all(Array.from({ length: 12 }, list))
    t.strictSame(new Set(answers.map(({ status }) => status)), new Set([503]))
    t.ok(answers.every(({ ms }) => ms < PROMISED), 'each in time')
    await until('nobody waits any more', async () => (await sql(WAITING)).length === 0)
  })
  await until('it is over', async () => (await list()).status === 200)
  t.equal((await client.call('POST', '/api/tasks', { token: ada!.token, body: { title: 'After it' } })).status, 201)
}

async function behind (t: Test, cluster: Cluster, program: Program): Promise<void> {
  const strict = await startPooler(t, cluster.url, program)
  const dropping = await startPooler(t, cluster.url, program, true)
  await t.test('a server that refuses its settings is told of in one line, and 503', async (t) =>
    isNoticed(t, strict, /08P01: a pooler refuses settings; set DATABASE_POOLER=transaction/))
  await t.test('one that drops them, too', async (t) => isNoticed(t, dropping, /a pooler drops settings, .*set DATABASE_POOLER=transaction/))
  await t.test('with the setting all works, and statements end in time', async (t) => {
    const { port } = await startServer(t, {
      DATABASE_URL: strict,
      DATABASE_POOLER: 'transaction',
      DATABASE_PREPARE: program.prepares ? 'on' : 'off',
      DATABASE_MIGRATION_URL: cluster.url,
      DATABASE_STATEMENT_TIMEOUT: '1000'
    })
    const { call } = clientOf(t, port)
    await until('the server is ready', async () => (await call('GET', '/ready')).status === 200)
    t.strictSame(await cluster.sql(ADVISORY), [], 'no advisory lock is left behind')
    await endsStatements(t, cluster, port)
  })
}

for (const program of poolers(t)) {
  await t.test(`PgBouncer ${program.version}`, async (t) => {
    const cluster = await startCluster(t)
    if (cluster) await behind(t, cluster, program)
  })
}

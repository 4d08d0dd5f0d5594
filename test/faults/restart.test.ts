import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { freePort } from '../support/free-port.js'
import { clientOf, signUp } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { servedBy, startBalancer } from './support/haproxy.js'
import { Ledger } from './support/ledger.js'
import { startLoad } from './support/load.js'
import { statusesIn } from './support/log.js'
import { rounds } from './support/run.js'
import { until } from '../support/until.js'
import { startServer } from './support/server.js'
import { auditOf, countsOf, isAnswered, isWhole, report, tally } from './support/table.js'

/** Milliseconds after SIGTERM within which a process has ended, before a supervisor kills it. */
const END = 10_000

const isReady = async (port: number) => fetch(`http://127.0.0.1:${port}/ready`).then(({ ok }) => ok, () => false)

async function onPostgres (t: Test, { url, sql }: Cluster): Promise<void> {
  await t.test('five replicas start at once on an empty database', async (t) => {
    const begin = performance.now()
    const replicas = await Promise.all(Array.from({ length: 5 }, async () => startServer(t, { DATABASE_URL: url })))
    for (const { port } of replicas) await until('it is ready', async () => isReady(port))
    const recovery = performance.now() - begin
    const tables = await sql("select table_name from information_schema.tables where table_schema = 'todo' order by 1")
    t.strictSame(tables.map(({ table_name: name }) => name).filter((name) => ['tasks', 'users'].includes(String(name))), ['tasks', 'users'])
    const migrations = readdirSync(new URL('../../drizzle', import.meta.url)).filter((file) => file.endsWith('.sql'))
    t.equal((await sql('select * from todo.__drizzle_migrations')).length, migrations.length, 'each migration was applied once')
    const answers = await Promise.all(replicas.map(async ({ port }) => signUp(clientOf(t, port), 1)))
    t.equal(answers.flat().length, 5)
    report(t, { fault: 'five replicas start at once on an empty database', sent: 10, answered: 10, failed: 0, slowest: recovery, recovery })
  })

  await t.test('SIGTERM under load', async (t) => {
    const server = await startServer(t, { DATABASE_URL: url })
    const client = clientOf(t, server.port)
    const people = await signUp(client, 4)
    const ledger = new Ledger()
    const load = startLoad(t, { port: server.port, people, ledger, workers: 32 })
    await sleep(1000)
    const stopped = server.stop()
    await sleep(200)
    const ready = await client.call('GET', '/ready')
    t.strictSame([ready.status, ready.headers.connection], [503, 'close'], '/ready tells the balancer')
    const served = await client.call('GET', '/api/tasks', { token: people[0]!.token })
    t.strictSame([served.status, served.headers.connection], [200, 'close'], 'others are served and told to leave')
    const { end, ms } = await stopped
    const samples = await load.stop()
    // Who comes when, or just before, nobody listens any more has not been accepted: the server knows nothing of the request.
    const logged = statusesIn(server.log)
    const accepted = samples.filter(({ id, outcome }) => typeof outcome === 'number' || logged.has(id))
    const audit = await auditOf(url, people, ledger)
    report(t, { fault: 'SIGTERM under load', ...countsOf(accepted), audited: audit.audited, lost: audit.lost, recovery: ms })
    isAnswered(t, accepted)
    t.strictSame(accepted.filter(({ id, outcome }) => String(logged.get(id)) !== String(outcome)), [], 'each has one line in the log')
    t.equal(countsOf(accepted).failed, 0, 'nothing that was accepted failed')
    isWhole(t, audit)
    t.equal(end, 0, 'status')
    t.ok(ms < END, `ended after ${Math.round(ms)} ms`)
  })

  await t.test(`two replicas are restarted one after the other under ${rounds.rolling} requests`, async (t) => {
    const ports = [await freePort(), await freePort()]
    const settings = { DATABASE_URL: url }
    const replicas = await Promise.all(ports.map(async (port) => startServer(t, settings, { port })))
    const balancer = await startBalancer(t, ports)
    if (!balancer) return
    const people = await signUp(clientOf(t, balancer), 4)
    const ledger = new Ledger()
    const load = startLoad(t, { port: balancer, people, ledger, workers: 32 })
    await sleep(1000)
    for (let turn = 0; turn < 2 || load.samples.length < rounds.rolling; turn++) {
      const at = turn % 2
      const { end, ms } = await replicas[at]!.stop()
      t.equal(end, 0, 'status')
      t.ok(ms < END, `ended after ${Math.round(ms)} ms`)
      replicas[at] = await startServer(t, settings, { port: ports[at]! })
      await servedBy(balancer, ports[at]!)
    }
    const samples = await load.stop()
    const audit = await auditOf(url, people, ledger)
    report(t, { fault: 'two replicas behind HAProxy are restarted in turn', ...countsOf(samples), audited: audit.audited, lost: audit.lost })
    t.strictSame(tally(samples.map(({ outcome }) => String(outcome)).filter((outcome) => !/^20[014]$/.test(outcome))), {}, 'none failed')
    isWhole(t, audit)
  })
}

const cluster = await startCluster(t)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster))

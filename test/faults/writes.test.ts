import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { freePort } from '../support/free-port.js'
import type { Audit } from './support/audit.js'
import { clientOf, signUp } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { Ledger } from './support/ledger.js'
import { startLoad, type Sample } from './support/load.js'
import { NOISE, PROMISED, rounds } from './support/run.js'
import { startServer, type ServerOptions } from './support/server.js'
import { auditOf, countsOf, isAnswered, isWhole, report } from './support/table.js'

/** A moment in the middle of the writes, another one in each round. In milliseconds. */
const moment = () => 150 + Math.random() * 500

interface Round { samples: Sample[], audit: Audit, recovery: number }

/** Starts a server, kills it in the middle of writes, and audits the database that it leaves behind. */
async function killServer (t: Test, url: string, settings: NodeJS.ProcessEnv, options: ServerOptions): Promise<Round> {
  const begin = performance.now()
  const server = await startServer(t, { DATABASE_URL: url, ...settings }, options)
  const recovery = performance.now() - begin
  const client = clientOf(t, server.port)
  const people = await signUp(client, 4)
  const ledger = new Ledger()
  const load = startLoad(t, { port: server.port, people, ledger })
  await sleep(moment())
  const killed = server.kill()
  const samples = await load.stop()
  await killed
  return { samples, audit: await auditOf(url, people, ledger), recovery }
}

/** Adds rounds up, and writes their row. */
function summary (t: Test, fault: string, all: Round[]): Audit {
  const sum = (of: (round: Round) => number) => all.reduce((total, round) => total + of(round), 0)
  const audit = {
    audited: sum((round) => round.audit.audited),
    lost: sum((round) => round.audit.lost),
    twice: sum((round) => round.audit.twice),
    strange: sum((round) => round.audit.strange)
  }
  const recovery = Math.max(...all.map((round) => round.recovery))
  report(t, { fault, ...countsOf(all.flatMap(({ samples }) => samples)), audited: audit.audited, lost: audit.lost, recovery })
  return audit
}

/** Does something again and again, one after the other. */
async function times (count: number, what: () => Promise<Round>): Promise<Round[]> {
  const all: Round[] = []
  while (all.length < count) all.push(await what())
  return all
}

const broken = ['--import', import.meta.resolve('tsx'), fileURLToPath(new URL('support/broken-server.ts', import.meta.url))]

async function onPostgres (t: Test, { url, start, kill, sql }: Cluster): Promise<void> {
  const port = await freePort()

  await t.test(`the server is killed (-9) ${rounds.serverKills} times`, async (t) => {
    const all = await times(rounds.serverKills, async () => killServer(t, url, {}, { port }))
    isWhole(t, summary(t, `the server is killed (-9), ${rounds.serverKills} times`, all))
  })

  await t.test('a server that answers before it commits is found out', async (t) => {
    const all = await times(3, async () => killServer(t, url, {}, { port, program: broken }))
    t.ok(summary(t, 'the same with a server made to lose writes, 3 times', all).lost > 0, 'losses are seen')
  })

  /** Kills PostgreSQL in the middle of writes, and starts it again. */
  async function killPostgres (t: Test, port: number): Promise<Round> {
    const client = clientOf(t, port)
    const people = await signUp(client, 4)
    const ledger = new Ledger()
    const load = startLoad(t, { port, people, ledger })
    await sleep(moment())
    await kill()
    await start()
    const recovery = await load.recovered(performance.now())
    const samples = await load.stop()
    return { samples, audit: await auditOf(url, people, ledger), recovery }
  }

  await t.test(`PostgreSQL is killed (-9) ${rounds.postgresKills} times`, async (t) => {
    const server = await startServer(t, { DATABASE_URL: url })
    const all = await times(rounds.postgresKills, async () => killPostgres(t, server.port))
    isWhole(t, summary(t, `PostgreSQL is killed (-9), ${rounds.postgresKills} times`, all))
    for (const { samples, recovery } of all) {
      isAnswered(t, samples)
      t.ok(recovery < PROMISED * NOISE, 'success is back')
    }
  })

  await t.test('a PostgreSQL that answers before it has written is found out', async (t) => {
    await sql('alter role todo set synchronous_commit = off')
    await sql("alter system set wal_writer_delay = '10s'")
    await sql('select pg_reload_conf()')
    const server = await startServer(t, { DATABASE_URL: url })
    const all = await times(3, async () => killPostgres(t, server.port))
    t.ok(summary(t, 'the same with a PostgreSQL set to lose writes, 3 times', all).lost > 0, 'losses are seen')
  })
}

const cluster = await startCluster(t)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster))

t.test(`the server on its embedded database is killed (-9) ${rounds.embeddedKills} times`, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'faults-embedded-'))
  t.teardown(() => { rmSync(home, { recursive: true }) })
  const port = await freePort()
  const url = `pglite:${join(home, 'pglite')}`
  const all = await times(rounds.embeddedKills, async () => killServer(t, url, {}, { port }))
  isWhole(t, summary(t, `the server on the embedded database is killed (-9), ${rounds.embeddedKills} times`, all))
})

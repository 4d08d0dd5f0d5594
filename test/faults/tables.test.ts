import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { disturbances } from '../support/disturbances.js'
import { startLoops, wronglyStored, type Kept } from '../support/loops.js'
import { clientOf, signUp } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { poolers, startPooler } from './support/pgbouncer.js'
import { NOISE } from './support/run.js'
import { startServer } from './support/server.js'
import { countsOf, note, report, tally } from './support/table.js'

/** Milliseconds that the tables and the connections are disturbed for, and within which all succeeds again. */
const DISTURBED = 60_000
const CALM = 2000

/** Six people with three loops each, while everything that lives in the database changes under them. */
async function disturb (t: Test, { sql }: Cluster, settings: NodeJS.ProcessEnv, fault: string): Promise<void> {
  const { port, child } = await startServer(t, { DATABASE_STATEMENT_TIMEOUT: '1000', ...settings })
  const client = clientOf(t, port)
  const people = await signUp(client, 6)
  const loops = startLoops(async (method, path, options) => client.call(method, path, options), people)
  t.teardown(async () => { await loops.stop() })
  const end = performance.now() + DISTURBED
  for (let n = 1; performance.now() < end; n++) await disturbances[n % disturbances.length]!(sql, n)
  const calm = performance.now()
  await sleep(CALM * NOISE)
  const seen = await loops.stop()
  const later = seen.filter(({ at, ms, status }) => status >= 300 && at + ms > calm)
  const recovery = later.reduce((last, { at, ms }) => Math.max(last, at + ms), calm) - calm
  // A cluster's rows have no type: the columns are those of the text.
  const stored = await sql('select id, title, is_completed from todo.tasks') as unknown as Array<{ id: string } & Kept>
  const wrong = wronglyStored(loops.kept, stored)
  const counts = countsOf(seen.map(({ status, ms }) => ({ outcome: status, ms })))
  report(t, { fault, ...counts, audited: loops.kept.size, lost: wrong, recovery })
  note(t, JSON.stringify(tally(seen.map(({ status }) => String(status)))))
  t.strictSame(tally(seen.flatMap(({ wrong }) => wrong ?? [])), {}, 'every answer is right, or a 503')
  t.ok(loops.kept.size > 50, 'there was something to look for')
  t.equal(wrong, 0, 'and everything is stored as it was acknowledged')
  t.ok(recovery < CALM, `only success after ${Math.round(recovery)} ms`)
  t.notOk(child.hasEnded(), 'the process lives')
}

const cluster = await startCluster(t)
if (cluster) {
  t.test('on PostgreSQL', async (t) => disturb(t, cluster, { DATABASE_URL: cluster.url }, '60 s of changing tables, indexes and connections'))
  for (const program of poolers(t)) {
    const DATABASE_URL = await startPooler(t, cluster.url, program)
    // Prepared on a pooler that does not carry what is prepared: the wrong setting, and still never a wrong answer.
    const through = { DATABASE_URL, DATABASE_POOLER: 'transaction' }
    t.test(`through PgBouncer ${program.version}`, async (t) => disturb(t, cluster, through, `the same through PgBouncer ${program.version}, prepared`))
  }
}

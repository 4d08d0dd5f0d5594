import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { clientOf, signUp, type Person } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { flood, openAll } from './support/flood.js'
import { Ledger } from './support/ledger.js'
import { startLoad, type Sample } from './support/load.js'
import { NOISE, full } from './support/run.js'
import { until } from '../support/until.js'
import { startServer } from './support/server.js'
import { auditOf, countsOf, isAnswered, isWhole, note, report } from './support/table.js'

/** Requests at a time that are more than the server takes: half as many again as the default of DATABASE_QUEUE. */
const TOO_MANY = 1500

/** Requests at a time that the server always takes. */
const ORDINARY = 200

/** Milliseconds of load. */
const DURATION = full ? 20_000 : 5000

/** Bytes of memory that the server never reaches, whatever comes. */
const MEMORY = 512 * 1024 * 1024

/** Milliseconds within which 99 of 100 accepted requests are answered under too much load. */
const P99 = 1000

const isSuccess = ({ outcome }: Sample) => typeof outcome === 'number' && outcome < 300

const percentile = (samples: Sample[], share: number) =>
  samples.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(samples.length * share)]!

async function onPostgres (t: Test, { url }: Cluster): Promise<void> {
  await t.test(`${ORDINARY} requests at a time are all served`, async (t) => {
    const { port } = await startServer(t, { DATABASE_URL: url })
    const people = await signUp(clientOf(t, port), 20)
    const ledger = new Ledger()
    const load = startLoad(t, { port, people, ledger, workers: ORDINARY })
    await sleep(DURATION)
    const samples = await load.stop()
    const audit = await auditOf(url, people, ledger)
    report(t, { fault: `${ORDINARY} requests at a time`, ...countsOf(samples), audited: audit.audited, lost: audit.lost })
    t.equal(samples.filter((sample) => !isSuccess(sample)).length, 0, 'none was shed')
    isWhole(t, audit)
  })

  await t.test(`${TOO_MANY} requests at a time: what is too much is refused, what is accepted is soon answered`, async (t) => {
    const server = await startServer(t, { DATABASE_URL: url })
    const client = clientOf(t, server.port)
    const [{ token }] = await signUp(client, 1) as [Person]
    let memory = 0
    const watch = setInterval(() => { memory = Math.max(memory, server.figures().rss) }, 50)
    const samples = await flood(t, server.port, '/api/tasks', token, TOO_MANY, DURATION)
    clearInterval(watch)
    const over = performance.now()
    t.equal((await client.call('GET', '/api/tasks', { token })).status, 200)
    const recovery = performance.now() - over
    const accepted = samples.filter(isSuccess)
    const p99 = percentile(accepted, 0.99)
    report(t, { fault: `${TOO_MANY} requests at a time`, ...countsOf(samples), recovery })
    note(t, `accepted: ${accepted.length}, p99 ${Math.round(p99)} ms (target ${P99}); memory at most ${Math.round(memory / 1024 / 1024)} MiB`)
    isAnswered(t, samples)
    t.ok(accepted.length < samples.length, 'some were shed')
    t.ok(accepted.length > 0, 'some were served')
    t.ok(p99 < P99 * NOISE, 'those that were served were served soon')
    t.ok(memory < MEMORY, 'memory is bounded')
  })

  await t.test('5,000 idle connections and 300 slow ones: others are served, the slow ones are cut', async (t) => {
    const server = await startServer(t, { DATABASE_URL: url })
    const people = await signUp(clientOf(t, server.port), 4)
    const silent = await openAll(t, server.port, 5000)
    const slowHeaders = await openAll(t, server.port, 200)
    const slowBodies = await openAll(t, server.port, 100)
    for (const socket of slowBodies) socket.write('POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n')
    const drops = drip(slowHeaders, 'GET / HTTP/1.1\r\nX-Slow: ', slowBodies, ' ')
    t.teardown(() => { clearInterval(drops) })
    const ledger = new Ledger()
    const begin = performance.now()
    const load = startLoad(t, { port: server.port, people, ledger })
    const gone = (sockets: Socket[]) => sockets.every(({ destroyed }) => destroyed)
    for (const [what, sockets, seconds] of [['headers', slowHeaders, 10], ['silent ones', silent, 10], ['bodies', slowBodies, 15]] as const) {
      await until(`slow ${what} are cut`, () => gone(sockets), seconds * NOISE)
      note(t, `${what}: all cut ${Math.round((performance.now() - begin) / 1000)} s after the start (limit ${seconds} s)`)
    }
    const recovery = performance.now() - begin
    const samples = await load.stop()
    const audit = await auditOf(url, people, ledger)
    report(t, { fault: '5,000 idle and 300 slow connections', ...countsOf(samples), audited: audit.audited, lost: audit.lost, recovery })
    t.equal(samples.filter((sample) => !isSuccess(sample)).length, 0, 'others are served')
    isWhole(t, audit)
    await until('the server has let go of them', () => server.figures().files < 200)
  })
}

/** Says a head on some connections and a body on others, a character each half second. */
function drip (heads: Socket[], head: string, bodies: Socket[], filler: string): NodeJS.Timeout {
  let at = 0
  return setInterval(() => {
    for (const socket of heads) socket.write(head[at] ?? 'x')
    for (const socket of bodies) socket.write(filler)
    at++
  }, 500)
}

const cluster = await startCluster(t)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster))

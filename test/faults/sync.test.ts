import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { freePort } from '../support/free-port.js'
import { until } from '../support/until.js'
import { buildBroken, numbersFromSequence, subscribesAfterReading, type Change } from './support/broken-hub.js'
import { clientOf, signUp, type Person } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { startCutter, type Cutter } from './support/cutter.js'
import { reportFollowed, type FollowRow } from './support/follow-table.js'
import type { Seen } from './support/keeper.js'
import { startFollowers, type Followers } from './support/followers.js'
import { startBalancer } from './support/haproxy.js'
import { Ledger } from './support/ledger.js'
import { startLoad } from './support/load.js'
import { startRedis, type OwnRedis } from './support/redis.js'
import { NOISE, rounds } from './support/run.js'
import { startServer } from './support/server.js'
import { auditOf, isWhole, note } from './support/table.js'
import { isUpToDate, missedBy, settled, truthOf } from './support/truth.js'

/** Accounts, and processes in which somebody follows each of them: 200 clients, in as many processes as two processors bear. */
const ACCOUNTS = 50
const PROCESSES = 4

/** Milliseconds that each writer rests on average, so that some hundred changes are written in a second. */
const REST = 400

/** Bytes after which a connection is cut, on average: some ten in a second. */
const CUT = 20_000

/** Milliseconds within which a change is told that another process has written, with Redis and without. */
const SOON = 100
const LATER = 1500

/** How often a broken server may get away with it, for some seconds each: on a busy machine two writes seldom meet. */
const TRIES = 20

const percentile = (delays: number[], share: number) => delays.sort((a, b) => a - b)[Math.floor(delays.length * share)]!

/** What clients of two replicas behind a balancer go through. */
interface World {
  people: Person[]
  ledger: Ledger
  cutter: Cutter
  processes: Followers[]
  /** Cuts connections, and lets clients sleep now and then. */
  disturb: (is: boolean) => void
  /** kill -9 of a replica, and a new one in its place. */
  killReplica: (at: number) => Promise<void>
  /** Writes while something happens, and compares in the end. */
  during: (followed: string, what: () => Promise<unknown>, patience?: number) => Promise<Outcome>
}

interface Outcome {
  row: FollowRow
  seen: Seen[]
  /** What those have missed who have been told the last change: nothing will ever tell them. */
  deceived: number
}

interface WorldOptions { redis: OwnRedis, program?: string[], accounts?: number, workers?: number, rest?: number }

async function startWorld (t: Test, cluster: Cluster, options: WorldOptions): Promise<World | undefined> {
  const { redis, program, accounts = ACCOUNTS, workers = accounts, rest = REST } = options
  const settings = { DATABASE_URL: cluster.url, REDIS_URL: redis.url }
  const ports = [await freePort(), await freePort()]
  const start = async (port: number) => {
    const server = await startServer(t, settings, { port, ...(program && { program }) })
    await until('a replica is ready', async () => fetch(`http://127.0.0.1:${port}/ready`).then(({ ok }) => ok, () => false))
    return server
  }
  const replicas = await Promise.all(ports.map(start))
  const balancer = await startBalancer(t, ports)
  if (!balancer) return
  const cutter = await startCutter(t, balancer)
  const people = await signUp(clientOf(t, ports[0]!, 4), accounts)
  const ledger = new Ledger()
  // There is something to walk through when they begin.
  await startLoad(t, { port: balancer, people, ledger, requests: 20 * accounts }).done
  const processes = Array.from({ length: PROCESSES }, () => startFollowers(t, `http://127.0.0.1:${cutter.port}`, people))
  const ask = async () => (await Promise.all(processes.map(async ({ seen }) => seen()))).flat()
  const counts = (all: Seen[], of: 'told' | 'reconnects' | 'duplicates') => all.reduce((sum, seen) => sum + seen[of], 0)
  const written = async () => (await cluster.sql('select sum(revision)::int as count from todo.task_lists'))[0]!.count as number

  return {
    people,
    ledger,
    cutter,
    processes,
    disturb (is) {
      cutter.cutAfter(is ? CUT : undefined)
      for (const { makeRestless } of processes) makeRestless(is)
    },
    async killReplica (at) {
      await replicas[at]!.kill()
      replicas[at] = await start(ports[at]!)
    },
    async during (followed, what, patience = 12 * NOISE) {
      const [before, first, begin] = [await ask(), await written(), Date.now()]
      const load = startLoad(t, { port: balancer, people, ledger, workers, rest })
      await what()
      await load.stop()
      const truth = await truthOf(cluster, `http://127.0.0.1:${balancer}`, people)
      const seen = await settled(ask, truth, patience)
      const delays = seen.flatMap((one) => one.delays.filter(([at]) => at >= begin).map(([, delay]) => delay))
      const since = (of: 'told' | 'reconnects' | 'duplicates') => counts(seen, of) - counts(before, of)
      const missed = (some: Seen[]) => some.reduce((sum, one) => sum + missedBy(one, truth), 0)
      const row = {
        followed,
        clients: seen.length,
        changes: await written() - first,
        told: since('told'),
        reconnects: since('reconnects'),
        missed: missed(seen),
        duplicates: since('duplicates'),
        p50: percentile(delays, 0.5),
        p99: percentile(delays, 0.99)
      }
      reportFollowed(t, row)
      return { row, seen, deceived: missed(seen.filter((one) => isUpToDate(one, truth))) }
    }
  }
}

/** Does something so many times, with a rest of some seconds before each, a random one. */
async function again (times: number, seconds: number, what: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < times; n++) {
    await sleep(2000 * seconds * Math.random())
    await what(n)
  }
}

/** Whether everybody has exactly what there is. */
function hasAll (t: Test, { row, seen }: Outcome): void {
  t.match(row, { clients: ACCOUNTS * PROCESSES, missed: 0, duplicates: 0 }, 'each has every task as it is, and each number came once')
  t.equal(seen.filter(({ resets }) => resets > 0).length, 0, 'nobody had to begin anew')
  t.ok(row.changes > 0 && row.told > row.changes, 'something was written, and told')
}

async function onPostgres (t: Test, cluster: Cluster, redis: OwnRedis): Promise<void> {
  await t.test('200 clients have exactly the tasks of those whom they follow', async (t) => {
    const world = await startWorld(t, cluster, { redis })
    if (!world) return
    const { people, ledger, cutter, processes, disturb, killReplica, during } = world
    const quiet = await during('two replicas behind HAProxy, with Redis', async () => sleep(10_000))
    hasAll(t, quiet)
    t.ok(quiet.row.p50 < SOON * NOISE, 'a change comes soon')

    const kills = `${rounds.replicaKills} kills of a replica, ${rounds.databaseKills} of PostgreSQL, ${rounds.redisKills} of Redis, cuts, sleep`
    disturb(true)
    hasAll(t, await during(kills, async () => Promise.all([
      again(rounds.replicaKills, 1, async (n) => killReplica(n % 2)),
      again(rounds.databaseKills, 8, async () => {
        await cluster.kill()
        await cluster.start()
      }),
      again(rounds.redisKills, 8, async () => {
        await redis.kill()
        await sleep(3000)
        await redis.start()
      }),
      again(PROCESSES, 5, async (n) => {
        processes[n]!.sleep()
        await sleep(5000)
        processes[n]!.wake()
      })
    ]).finally(() => { disturb(false) })))
    note(t, `${cutter.cuts()} connections were cut in the middle of what was said`)

    await redis.kill()
    const without = await during('two replicas behind HAProxy, without Redis', async () => sleep(10_000))
    hasAll(t, without)
    t.ok(without.row.p50 < LATER * NOISE, 'without Redis it comes later')
    await redis.start()
    isWhole(t, await auditOf(cluster.url, people, ledger))
  })

  await cluster.sql('create sequence public.numbers')
  await cluster.sql('grant usage on sequence public.numbers to todo')
  const broken: Array<[what: string, change: Change, accounts: number]> = [
    ['a server that reads first and then listens', subscribesAfterReading, 8],
    ['a server that numbers changes by a sequence', numbersFromSequence, 8]
  ]
  for (const [what, change, accounts] of broken) {
    await t.test(`${what} is found out`, async (t) => {
      const program = await buildBroken(t, change)
      const world = await startWorld(t, cluster, { redis, program, accounts, workers: 4 * accounts, rest: 20 })
      if (!world) return
      world.disturb(true)
      let lost = 0
      for (let tries = 0; lost === 0 && tries < TRIES; tries++) {
        lost = (await world.during(`the same with ${what}`, async () => sleep(5000), 5)).deceived
      }
      t.ok(lost > 0, 'what is missed is seen')
    })
  }
}

const redis = await startRedis(t)
const cluster = redis && await startCluster(t)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster, redis))

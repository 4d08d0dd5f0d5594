import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { freePort } from '../../support/free-port.js'
import { until } from '../../support/until.js'
import { clientOf, signUp, type Person } from './client.js'
import type { Cluster } from './cluster.js'
import { startCutter, type Cutter } from './cutter.js'
import { reportFollowed, type FollowRow } from './follow-table.js'
import { startFollowers, type Followers } from './followers.js'
import { startBalancer } from './haproxy.js'
import type { Seen } from './keeper.js'
import { Ledger } from './ledger.js'
import { startLoad } from './load.js'
import { NOISE } from './run.js'
import { startServer } from './server.js'
import { isUpToDate, missedBy, settled, truthOf } from './truth.js'

/** Accounts, and processes in which somebody follows each of them: 200 clients, in as many processes as two processors bear. */
export const ACCOUNTS = 50
export const PROCESSES = 4

/** Milliseconds that each writer rests on average, so that some hundred changes are written in a second. */
const REST = 400

/** Bytes after which a connection is cut, on average: some ten in a second. */
const CUT = 20_000

/** Does something so many times, with a rest of some seconds before each, a random one. */
export async function again (times: number, seconds: number, what: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < times; n++) {
    await sleep(2000 * seconds * Math.random())
    await what(n)
  }
}

const percentile = (delays: number[], share: number) => delays.sort((a, b) => a - b)[Math.floor(delays.length * share)]!

/** What clients of some replicas behind a balancer go through. */
export interface World {
  /** Of the replicas, and of the balancer. */
  ports: number[]
  balancer: number
  people: Person[]
  ledger: Ledger
  cutter: Cutter
  processes: Followers[]
  /** Cuts connections, and lets clients sleep now and then. */
  disturb: (is: boolean) => void
  /** kill -9 of the replica at an index, and a new one in its place. */
  killReplica: (at: number) => Promise<void>
  /** Writes while something happens, and compares in the end. */
  during: (followed: string, what: () => Promise<unknown>, patience?: number) => Promise<Outcome>
}

export interface Outcome {
  row: FollowRow
  seen: Seen[]
  /** What those have missed who have been told the last change: nothing will ever tell them. */
  deceived: number
}

export interface WorldOptions {
  /** Of the replicas: at least DATABASE_URL. */
  settings: NodeJS.ProcessEnv
  replicas?: number
  program?: string[]
  accounts?: number
  /** How many write, and the milliseconds that each rests on average. */
  workers?: number
  rest?: number
}

/**
 * Starts replicas behind a balancer, people with tasks, and processes of clients that follow each of them.
 * @param cluster where the database is that the replicas have
 * @returns undefined without a balancer, and then the test is already skipped
 */
export async function startWorld (t: Test, cluster: Cluster, options: WorldOptions): Promise<World | undefined> {
  const { settings, program, accounts = ACCOUNTS, workers = accounts, rest = REST } = options
  const ports = await Promise.all(Array.from({ length: options.replicas ?? 2 }, freePort))
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
    ports,
    balancer,
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

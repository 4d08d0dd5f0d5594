import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { buildBroken, numbersFromSequence, subscribesAfterReading, type Change } from './support/broken-hub.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { startRedis, type OwnRedis } from './support/redis.js'
import { NOISE, rounds } from './support/run.js'
import { auditOf, isWhole, note } from './support/table.js'
import { ACCOUNTS, PROCESSES, again, startWorld, type Outcome } from './support/world.js'

/** Milliseconds within which a change is told that another process has written, with Redis and without. */
const SOON = 100
const LATER = 1500

/** How often a broken server may get away with it, for some seconds each: on a busy machine two writes seldom meet. */
const TRIES = 20

/** Whether everybody has exactly what there is. */
function hasAll (t: Test, { row, seen }: Outcome): void {
  t.match(row, { clients: ACCOUNTS * PROCESSES, missed: 0, duplicates: 0 }, 'each has every task as it is, and each number came once')
  t.equal(seen.filter(({ resets }) => resets > 0).length, 0, 'nobody had to begin anew')
  t.ok(row.changes > 0 && row.told > row.changes, 'something was written, and told')
}

async function onPostgres (t: Test, cluster: Cluster, redis: OwnRedis): Promise<void> {
  const settings = { DATABASE_URL: cluster.url, REDIS_URL: redis.url }
  await t.test('200 clients have exactly the tasks of those whom they follow', async (t) => {
    const world = await startWorld(t, cluster, { settings })
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
      const world = await startWorld(t, cluster, { settings, program, accounts, workers: 4 * accounts, rest: 20 })
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

import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PASSWORD, clientOf, newEmail, signUp, type Answer, type Client } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { Ledger } from './support/ledger.js'
import { startLoad } from './support/load.js'
import { NOISE, PROMISED } from './support/run.js'
import { until } from '../support/until.js'
import { startRedis, type OwnRedis } from './support/redis.js'
import { startServer } from './support/server.js'
import { countsOf, report, tally } from './support/table.js'

/** The defaults of RATE_LIMIT_ACCOUNT, RATE_LIMIT_ADDRESS and RATE_LIMIT_SESSION. */
const ACCOUNT = 10
const ADDRESS = 60
const SESSION = 30

/** Milliseconds that a login waits for a Redis that says nothing: it is counted twice, and each time waits 250. */
const PATIENCE = 500

/** Milliseconds that Redis is away: several tries to reach it. */
const OUTAGE = 3000

let networks = 0
/** A /64 that nobody has used yet. @returns what gives an address of it, another one each time */
function newNetwork (): () => string {
  const network = (++networks).toString(16)
  let hosts = 0
  return () => `2001:db8:0:${network}::${(++hosts).toString(16)}`
}

/** One login that comes from an address. */
const logIn = async (client: Client, from: string, email: string, password = `not ${PASSWORD}`) =>
  client.call('POST', '/api/auth/login', { body: { email, password }, headers: { 'x-forwarded-for': from } })

/** Logins at a time, each by the next of some clients. @param emailOf the account of each */
const guess = async (clients: Client[], count: number, emailOf: () => string, from = newNetwork()) =>
  Promise.all(Array.from({ length: count }, async (_, index) => logIn(clients[index % clients.length]!, from(), emailOf())))

const statuses = (answers: Answer[]) => tally(answers.map(({ status }) => String(status)))

const samplesOf = (answers: Answer[]) => answers.map(({ status, ms }) => ({ outcome: status, ms }))

async function onRedis (t: Test, { url }: Cluster, redis: OwnRedis): Promise<void> {
  const settings = { DATABASE_URL: url, REDIS_URL: redis.url, RATE_LIMIT: 'on', RATE_LIMIT_USER: '1000000', TRUST_PROXY: 'loopback' }
  const replicas = await Promise.all([startServer(t, settings), startServer(t, settings)])
  const clients = replicas.map(({ port }) => clientOf(t, port))
  const people = await signUp(clients[0]!, 4)
  const { email } = people[0]!
  const ledger = new Ledger()

  /** Whether the owner of an account is let in, wherever they ask. */
  async function isLetIn (t: Test): Promise<void> {
    const from = newNetwork()
    const answers = await Promise.all(clients.map(async (client) => logIn(client, from(), email, PASSWORD)))
    t.strictSame(statuses(answers), { 200: 2 }, 'whoever is attacked gets in from elsewhere')
  }

  /** Whether what the first replica has let through counts for the second. */
  async function share (): Promise<boolean> {
    const nobody = newEmail('nobody')
    const from = newNetwork()
    await guess(clients.slice(0, 1), ACCOUNT, () => nobody, from)
    return (await logIn(clients[1]!, from(), nobody)).status === 429
  }

  await t.test('two replicas have one budget for an account, one for a network, and one for a session', async (t) => {
    const atOne = await guess(clients, 3 * ACCOUNT, () => email)
    t.strictSame(statuses(atOne), { 401: ACCOUNT, 429: 2 * ACCOUNT })
    const atMany = await guess(clients, 2 * ADDRESS, () => newEmail('nobody'))
    t.strictSame(statuses(atMany), { 401: ADDRESS, 429: ADDRESS })
    const body = { refresh_token: people[1]!.refreshToken }
    const renewed = await Promise.all(Array.from({ length: 2 * SESSION }, async (_, index) =>
      clients[index % 2]!.call('POST', '/api/auth/refresh', { body })))
    t.strictSame(statuses(renewed), { 200: SESSION, 429: SESSION })
    await isLetIn(t)
    report(t, { fault: 'passwords are guessed through two replicas', ...countsOf(samplesOf([...atOne, ...atMany])) })
  })

  /** Breaks Redis while tasks are used and passwords are guessed, and mends it. */
  async function suffer (t: Test, fault: string, begin: () => unknown, end: () => unknown): Promise<void> {
    const loads = replicas.map(({ port }) => startLoad(t, { port, people, ledger, workers: 4 }))
    await sleep(500)
    await begin()
    const from = newNetwork()
    const guesses = await Promise.all(clients.map(async (client) => guess([client], 2 * ACCOUNT, () => email, from)))
    await isLetIn(t)
    await sleep(OUTAGE)
    await end()
    const mended = performance.now()
    await until('the replicas share a budget', share)
    const recovery = performance.now() - mended
    const samples = (await Promise.all(loads.map(async (load) => load.stop()))).flat()
    const counts = countsOf([...samples, ...samplesOf(guesses.flat())])
    report(t, { fault, ...counts, recovery })
    for (const answers of guesses) t.strictSame(statuses(answers), { 401: ACCOUNT, 429: ACCOUNT }, 'each replica counts for itself')
    t.strictSame(tally(samples.map(({ outcome }) => String(outcome)).filter((outcome) => !/^20[014]$/.test(outcome))), {}, 'tasks go on')
    t.ok(counts.slowest < PATIENCE * NOISE, `nobody waits for it longer than ${NOISE} times ${PATIENCE} ms`)
    t.ok(recovery < PROMISED * NOISE, 'they share again')
  }

  await t.test('Redis is killed', async (t) => suffer(t, 'Redis is killed (-9) and comes back', redis.kill, redis.start))
  await t.test('Redis says nothing', async (t) => suffer(t, `Redis stalls (a login waits ${PATIENCE} ms for it at most)`, redis.freeze, redis.thaw))
}

const redis = await startRedis(t)
const cluster = redis && await startCluster(t)
if (cluster) t.test('with Redis', async (t) => onRedis(t, cluster, redis))

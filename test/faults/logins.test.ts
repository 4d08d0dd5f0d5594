import { once } from 'node:events'
import { connect } from 'node:net'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { links } from '../../src/accounts/links.js'
import { PASSWORD, clientOf, newEmail, signUp, type Answer, type Client } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { DOMAIN } from './support/log.js'
import { NOISE } from './support/run.js'
import { SECRET_KEY, startServer } from './support/server.js'
import { note, report, tally } from './support/table.js'

/** What a hash takes here: enough to count the hashes that are made at a time in the memory of the process. */
const HASH_MIB = 64
const costly = { ARGON2_MEMORY_KIB: String(HASH_MIB * 1024), ARGON2_TIME_COST: '1' }

/** The defaults of HASH_THREADS and HASH_QUEUE. */
const THREADS = Math.min(3, Math.max(1, availableParallelism() - 1))
const QUEUE = 64

const FLOOD = 500

/** Milliseconds within which one that is too much is refused. */
const REFUSAL = 100

/** Milliseconds that the throughput of others is measured. */
const WINDOW = 4000

const median = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!

const login = (email: string, password = PASSWORD) => ({ body: { email, password } })

/** Somebody in a flood: sends one more request that wants a hash. */
type Flooder = () => Promise<Answer>

/** Half of them log in as nobody: those get no other treatment. */
const whoLogsIn = (client: Client, email: string, index: number): Flooder => async () =>
  client.call('POST', '/api/auth/login', login(index % 2 ? email : newEmail('nobody')))

/** Accounts whose owners have the links of mails, and use one after the other. */
async function whoReset (client: Client, { sql }: Cluster, count: number): Promise<Flooder[]> {
  const accounts = await sql(`insert into todo.users (id, email, name, password_hash)
    select gen_random_uuid(), 'reset-' || n || '@${DOMAIN}', name, password_hash from todo.users, generate_series(1, ${count}) n
    returning id, email`)
  const { toReset } = links('', [SECRET_KEY], Date.now)
  return accounts.map(({ id, email }) => {
    let version = 0
    return async () => {
      const [, token] = toReset({ owner: String(id), email: String(email), version }).split('=')
      const answer = await client.call('POST', '/api/auth/password-reset/confirm', { body: { token, new_password: PASSWORD } })
      if (answer.status === 204) version++
      return answer
    }
  })
}

async function onPostgres (t: Test, cluster: Cluster): Promise<void> {
  const { url } = cluster
  const server = await startServer(t, { DATABASE_URL: url, ...costly })
  const client = clientOf(t, server.port)
  const [ada] = await signUp(client, 1)
  const { email, token } = ada!
  const { body: { id } } = await client.call('POST', '/api/tasks', { token, body: { title: 'xyzzy' } })
  const readers = clientOf(t, server.port)
  const read = async () => readers.call('GET', `/api/tasks/${id}`, { token })

  /** How often others can read a task in a second, and whether all could. */
  async function throughput (): Promise<{ rate: number, failed: number }> {
    let count = 0
    let failed = 0
    const end = performance.now() + WINDOW
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (performance.now() < end) {
        if ((await read()).status === 200) count++
        else failed++
      }
    }))
    return { rate: count / WINDOW * 1000, failed }
  }

  /** Milliseconds of a login when nobody else asks: the shortest of some. */
  async function timeOfHash (): Promise<number> {
    let shortest = Infinity
    for (let times = 0; times < 5; times++) shortest = Math.min(shortest, (await client.call('POST', '/api/auth/login', login(email))).ms)
    return shortest
  }

  /** @param hashes the statuses of those that were not refused */
  async function withstands (t: Test, flooders: Flooder[], hashes: number[]): Promise<void> {
    const hash = await timeOfHash()
    const alone = await throughput()

    // Everybody is connected already: what is measured is the server's decision.
    const burst = async () => Promise.all(Array.from({ length: FLOOD }, async () => client.call('GET', '/health')))
    await burst()
    const ordinary = median((await burst()).map(({ ms }) => ms))
    const before = server.figures().rss
    let most = before
    const watch = setInterval(() => { most = Math.max(most, server.figures().rss) }, 10)
    const answers: Answer[] = []
    const end = performance.now() + WINDOW
    const flood = Promise.all(flooders.map(async (send) => {
      while (performance.now() < end) {
        const answer = await send()
        answers.push(answer)
        if (answer.status === 503) await sleep(Number(answer.headers['retry-after']) * 1000)
      }
    }))
    const flooded = await throughput()
    await flood
    clearInterval(watch)

    const refused = answers.filter(({ status }) => status === 503 || status === 429)
    const hashed = answers.filter(({ status }) => hashes.includes(status))
    const waits = refused.map(({ ms }) => ms)
    const refusal = median(waits)
    const atATime = Math.floor((most - before) / 1024 / 1024 / HASH_MIB)
    const counts = { sent: answers.length, answered: answers.length, failed: refused.length }
    report(t, { fault: t.name, ...counts, slowest: Math.max(...answers.map(({ ms }) => ms)) })
    note(t, `${hashed.length} hashed at ${Math.round(hash)} ms each, at most ${atATime} at a time (${THREADS} threads); the others refused: half of them within ${Math.round(refusal)} ms, all within ${Math.round(Math.max(...waits))} ms`)
    note(t, `reads by others: ${Math.round(alone.rate)}/s alone, ${Math.round(flooded.rate)}/s meanwhile (${Math.round(flooded.rate / alone.rate * 100)} %)`)
    t.equal(refused.length + hashed.length, answers.length, `hashed or refused, and nothing else: ${JSON.stringify(tally(answers.map(({ status }) => String(status))))}`)
    t.ok(refused.every(({ headers }) => Number(headers['retry-after']) > 0), 'with Retry-After')
    t.ok(hashed.length >= THREADS + QUEUE, 'as many as may wait were let in')
    t.ok(hashed.length <= THREADS + QUEUE + WINDOW * 2 / hash * THREADS, 'and those that followed them')
    t.ok(atATime <= THREADS, 'memory tells how many hashes were made at a time')
    t.ok(refusal < Math.max(REFUSAL, ordinary) * NOISE, `the others were refused at once (an answer to ${FLOOD} takes ${Math.round(ordinary)} ms here)`)
    t.equal(flooded.failed, 0, 'others were served')
    t.ok(flooded.rate > alone.rate / 2 / NOISE, 'and at a fair rate')
    await isQuiet(client)
  }

  await t.test(`${FLOOD} logins at a time`, async (t) =>
    withstands(t, Array.from({ length: FLOOD }, (_, index) => whoLogsIn(client, email, index)), [200, 401]))

  await t.test(`${FLOOD} resets at a time`, async (t) => withstands(t, await whoReset(client, cluster, FLOOD), [204]))

  await t.test('a hash that nobody waits for any more is not made', async (t) => {
    const hash = await timeOfHash()
    await leave(server.port, QUEUE, email)
    const { status, ms } = await client.call('POST', '/api/auth/login', login(email))
    note(t, `${QUEUE} logins whose clients went away, then one: answered after ${Math.round(ms)} ms (a hash takes ${Math.round(hash)} ms)`)
    t.equal(status, 200)
    t.ok(ms < hash * QUEUE / 2, 'it did not wait for theirs')
    await isQuiet(client)
  })
}

/** Sends logins, and goes away before they are answered. */
async function leave (port: number, count: number, email: string): Promise<void> {
  const body = JSON.stringify(login(email).body)
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => {}))
  for (const socket of sockets) {
    await once(socket, 'connect')
    socket.write(`POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  }
  await sleep(100)
  for (const socket of sockets) socket.destroy()
}

/** Waits until the server has room for hashes again. */
async function isQuiet (client: Client): Promise<void> {
  while ((await client.call('POST', '/api/auth/login', login(newEmail('nobody')))).status === 503) await sleep(100)
}

const cluster = await startCluster(t)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster))

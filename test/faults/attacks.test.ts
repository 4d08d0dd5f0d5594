import { connect, type Socket } from 'node:net'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PASSWORD, clientOf, newEmail, signUp, type Person } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { startRedis, type OwnRedis } from './support/redis.js'
import { NOISE } from './support/run.js'
import { until } from '../support/until.js'
import { startServer, type Server } from './support/server.js'
import { note, report } from './support/table.js'

/** The defaults of HASH_QUEUE and, at least, of HASH_THREADS. */
const HASHES = 65

/** Milliseconds of each attack, and seconds after which nothing of it is left. */
const DURATION = 5000
const OVER = 20

const HOST = 'Host: attack'
const get = (path: string, ...headers: string[]) => [`GET ${path} HTTP/1.1`, HOST, ...headers, '', ''].join('\r\n')
/** More than what the system takes from a server for a client that reads nothing. */
const FILES = get('/docs/static/swagger-ui-bundle.js').repeat(8)
const post = (path: string, length: number, body: string, ...headers: string[]) =>
  [`POST ${path} HTTP/1.1`, HOST, 'Content-Type: application/json', `Content-Length: ${length}`, ...headers, '', body].join('\r\n')
const login = () => {
  const body = JSON.stringify({ email: newEmail('nobody'), password: PASSWORD })
  return post('/api/auth/login', body.length, body)
}

/** One who sends, and reads nothing. */
function deaf (port: number, bytes: string): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {}).pause()
  socket.write(bytes)
  return socket
}

/** What a client does to a server, again and again. @returns its connections that are still there */
type Attack = (port: number, token: string) => Promise<Socket[]>

/** Sends, and resets the connection a moment later. */
const leaving = (bytes: (token: string) => string, count: number, after: number): Attack => async (port, token) => {
  const sockets = Array.from({ length: count }, () => deaf(port, bytes(token)))
  await sleep(after)
  for (const socket of sockets) socket.resetAndDestroy()
  await sleep(400)
  return []
}

/** Sends on so many connections, and stays. */
const staying = (bytes: (token: string) => string, count: number): Attack => async (port, token) => {
  await sleep(500)
  return Array.from({ length: count }, () => deaf(port, bytes(token)))
}

const attacks: Record<string, Attack> = {
  'pipelined and gone': leaving(() => FILES + get('/api/tasks').repeat(1000), 3, 100),
  'pipelined and unread': staying((token) => FILES + get('/api/tasks', `Authorization: Bearer ${token}`).repeat(40), 5),
  'slow and gone': leaving(login, HASHES, 50),
  'half a body and silence': staying((token) => post('/api/tasks', 99, '{', `Authorization: Bearer ${token}`), 250)
}

/** What others get meanwhile, and that nothing is left of the attack. */
async function withstands (t: Test, name: string, server: Server, attack: Attack): Promise<void> {
  const client = clientOf(t, server.port)
  const [{ token }] = await signUp(client, 1) as [Person]
  const logIn = async () => client.call('POST', '/api/auth/login', { body: { email: newEmail('nobody'), password: PASSWORD } })

  async function readers (): Promise<{ rate: number, failed: number, slowest: number }> {
    const answers: Array<{ status: number, ms: number }> = []
    const end = performance.now() + DURATION
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (performance.now() < end) answers.push(await client.call('GET', '/api/tasks', { token }))
    }))
    return {
      rate: answers.length / DURATION * 1000,
      failed: answers.filter(({ status }) => status !== 200).length,
      slowest: Math.max(...answers.map(({ ms }) => ms))
    }
  }

  const alone = await readers()
  const open: Socket[] = []
  const end = performance.now() + DURATION
  const attacking = (async () => { while (performance.now() < end) open.push(...await attack(server.port, token)) })()
  t.teardown(() => { for (const socket of open) socket.destroy() })
  const meanwhile = await readers()
  await attacking
  const over = performance.now()
  const share = Math.round(meanwhile.rate / alone.rate * 100)
  t.equal(meanwhile.failed, 0, 'others are served')
  t.ok(meanwhile.rate > alone.rate / 2 / NOISE, `at ${share} % of their rate`)

  await until('all places are free', async () => {
    const statuses = await Promise.all(Array.from({ length: HASHES }, async () => (await logIn()).status))
    return statuses.every((status) => status === 401)
  }, OVER * NOISE)
  const recovery = performance.now() - over
  const sent = Math.round(meanwhile.rate * DURATION / 1000)
  report(t, { fault: name, sent, answered: sent, failed: meanwhile.failed, slowest: meanwhile.slowest, recovery })
  note(t, `reads by others at ${share} % of their rate (target: half); ${open.length} connections stayed; memory ${Math.round(server.figures().rss / 1024 / 1024)} MiB`)
  t.ok(recovery < OVER * 1000 * NOISE, `all places are free after ${Math.round(recovery)} ms`)
  t.equal((await server.stop()).end, 0)
  t.match(readFileSync(server.log, 'utf8'), /"requests":0,"hashes":0,"msg":"stopping"/, 'as the log says')
}

async function onPostgres (t: Test, { url }: Cluster): Promise<void> {
  for (const [name, attack] of Object.entries(attacks)) {
    await t.test(name, async (t) => withstands(t, name, await startServer(t, { DATABASE_URL: url }), attack))
  }
}

async function withRedis (t: Test, { url }: Cluster, redis: OwnRedis): Promise<void> {
  const many = '1000000'
  const settings = {
    DATABASE_URL: url, REDIS_URL: redis.url, RATE_LIMIT: 'on', RATE_LIMIT_ADDRESS: many, RATE_LIMIT_ACCOUNT: many, RATE_LIMIT_USER: many
  }
  for (const [name, attack] of Object.entries(attacks)) {
    await t.test(name, async (t) => {
      const server = await startServer(t, settings)
      /** Stalls Redis whenever the attack goes on. */
      const slowly: Attack = async (...to) => {
        redis.freeze()
        const open = await attack(...to)
        redis.thaw()
        return open
      }
      await withstands(t, `${name}, Redis stalls now and then`, server, slowly)
    })
  }
}

const cluster = await startCluster(t)
if (cluster) {
  t.test('one client', async (t) => onPostgres(t, cluster))
  const redis = await startRedis(t)
  if (redis) t.test('one client, with Redis', async (t) => withRedis(t, cluster, redis))
}

import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { until } from '../support/until.js'
import { PASSWORD, clientOf, signUp, type Answer, type Client } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { poolers, startPooler, type Program } from './support/pgbouncer.js'
import { startRedis, type OwnRedis } from './support/redis.js'
import { NOISE } from './support/run.js'
import { auditOf, isWhole } from './support/table.js'
import { PROCESSES, again, startWorld } from './support/world.js'

/* Three replicas behind HAProxy, with Redis, and PostgreSQL behind PgBouncer in transaction mode: all works as with one. */

const REPLICAS = 3

/** Those who are followed, each by PROCESSES clients. */
const ACCOUNTS = 20

/** Seconds within which a session that has ended is refused everywhere. */
const ENDED = 2

/** Requests that come at the same moment. */
const RACERS = 30

const root = fileURLToPath(new URL('../../', import.meta.url))

const renew = async (client: Client, token: string) => client.call('POST', '/api/auth/refresh', { body: { refresh_token: token } })

/** So many requests at the same moment, in turn to each of some clients. */
const race = async (clients: Client[], send: (client: Client, n: number) => Promise<Answer>): Promise<Answer[]> =>
  Promise.all(Array.from({ length: RACERS }, async (_, n) => send(clients[n % clients.length]!, n)))

/** Sessions: what one replica has done counts on all. */
async function sharesSessions (t: Test, clients: [Client, Client, Client]): Promise<void> {
  const [here, there, elsewhere] = clients
  const [ada] = await signUp(here, 1)
  const statusOn = async (client: Client, token: string) => (await client.call('GET', '/api/auth/me', { token })).status
  const isOver = async (token: string) => until('the session is over everywhere', async () =>
    (await Promise.all(clients.map(async (client) => statusOn(client, token)))).every((status) => status === 401), ENDED * NOISE)

  const renewed = await race(clients, async (client) => renew(client, ada!.refreshToken))
  t.strictSame(new Set(renewed.map(({ status }) => status)), new Set([200]))
  t.equal(new Set(renewed.map(({ body }) => body.refresh_token)).size, 1, 'renewals at the same moment make one chain')
  const { access_token: token, refresh_token: refreshToken } = renewed[0]!.body
  t.equal(await statusOn(elsewhere, token), 200)

  const { body: other } = await there.call('POST', '/api/auth/login', { body: { email: ada!.email, password: PASSWORD } })
  t.equal((await here.call('POST', '/api/auth/logout', { token: other.access_token })).status, 204)
  await isOver(other.access_token)
  t.equal((await renew(elsewhere, other.refresh_token)).status, 401)
  t.equal(await statusOn(there, token), 200, 'the other session goes on')

  const { body: third } = await elsewhere.call('POST', '/api/auth/login', { body: { email: ada!.email, password: PASSWORD } })
  const changed = await there.call('PUT', '/api/auth/me/password', { token, body: { current_password: PASSWORD, new_password: `${PASSWORD} anew` } })
  t.equal(changed.status, 204)
  await isOver(third.access_token)
  t.equal((await renew(here, refreshToken)).status, 200, 'whoever changed the password stays logged in')
  t.equal((await elsewhere.call('POST', '/api/auth/me/delete', { token, body: { password: `${PASSWORD} anew` } })).status, 204)
  await isOver(token)
}

/** Tasks: writes that cross, or are sent again, on different replicas. */
async function sharesTasks (t: Test, clients: [Client, Client, Client]): Promise<void> {
  const [here, there, elsewhere] = clients
  const [ada] = await signUp(here, 1)
  const { token } = ada!
  const key = randomUUID()
  const created = await race(clients, async (client) =>
    client.call('POST', '/api/tasks', { token, body: { title: '0', due_date: '2026-11-28' }, headers: { 'idempotency-key': key } }))
  t.strictSame(new Set(created.map(({ status }) => status)), new Set([201]))
  t.equal(new Set(created.map(({ body }) => body.id)).size, 1, 'a key makes one task')
  t.equal(created.filter(({ headers }) => headers['idempotency-replayed'] === undefined).length, 1)
  const path = `/api/tasks/${created[0]!.body.id}`

  await race(clients, async (client) => {
    for (;;) {
      const { body, headers: { etag } } = await client.call('GET', path, { token })
      const answer = await client.call('PATCH', path, { token, body: { title: String(Number(body.title) + 1) }, headers: { 'if-match': etag! } })
      if (answer.status !== 412) return answer
    }
  }).then((answers) => { t.strictSame(new Set(answers.map(({ status }) => status)), new Set([200])) })
  const { body, headers: { etag } } = await elsewhere.call('GET', path, { token })
  t.equal(body.title, String(RACERS), 'no change was lost')
  t.equal((await there.call('GET', path, { token, headers: { 'if-none-match': etag! } })).status, 304)

  const page = '/api/tasks?q=30&sort=due_date&due_after=2026-11-28'
  const list = await here.call('GET', page, { token })
  t.match(list.body, { tasks: [{ id: body.id }], total: 1 })
  t.equal((await there.call('GET', page, { token, headers: { 'if-none-match': list.headers.etag! } })).status, 304)
  const { body: { changes, next } } = await elsewhere.call('GET', '/api/tasks/changes', { token })
  t.match(changes, [{ task: { id: body.id, title: String(RACERS) } }])
  t.equal((await there.call('DELETE', path, { token })).status, 204)
  t.match((await here.call('GET', `/api/tasks/changes?since=${next}`, { token })).body, { changes: [{ deleted: { id: body.id } }], has_more: false })
}

async function behind (t: Test, cluster: Cluster, redis: OwnRedis, program: Program): Promise<void> {
  const world = await startWorld(t, cluster, {
    replicas: REPLICAS,
    accounts: ACCOUNTS,
    settings: {
      DATABASE_URL: await startPooler(t, cluster.url, program),
      DATABASE_POOLER: 'transaction',
      DATABASE_PREPARE: program.prepares ? 'on' : 'off',
      DATABASE_MIGRATION_URL: cluster.url,
      REDIS_URL: redis.url
    }
  })
  if (!world) return
  const clients = world.ports.map((port) => clientOf(t, port)) as [Client, Client, Client]
  t.strictSame(await cluster.sql("select pid from pg_locks where locktype = 'advisory'"), [], 'three that migrate leave no lock behind')
  await t.test('the five stories work', async () => {
    await promisify(execFile)('bash', ['.ci/smoke', `http://127.0.0.1:${world.balancer}`], { cwd: root })
  })
  await t.test('a session is renewed on all, and ends on all', async (t) => sharesSessions(t, clients))
  await t.test('writes that cross or are sent again count once', async (t) => sharesTasks(t, clients))
  await t.test('who follows has everything, though replicas and PostgreSQL are killed', async (t) => {
    world.disturb(true)
    const { row, seen } = await world.during(`three replicas, PgBouncer ${program.version}, kills and cuts`, async () => Promise.all([
      again(2 * REPLICAS, 1, async (n) => world.killReplica(n % REPLICAS)),
      again(2, 4, async () => {
        await cluster.kill()
        await cluster.start()
      }),
      sleep(10_000)
    ]).finally(() => { world.disturb(false) }))
    t.match(row, { clients: ACCOUNTS * PROCESSES, missed: 0, duplicates: 0 }, 'each has every task as it is, and each number came once')
    t.equal(seen.filter(({ resets }) => resets > 0).length, 0, 'nobody had to begin anew')
    t.ok(row.changes > 0 && row.told > row.changes)
    isWhole(t, await auditOf(cluster.url, world.people, world.ledger))
  })
}

const redis = await startRedis(t)
for (const program of redis ? poolers(t) : []) {
  await t.test(`behind PgBouncer ${program.version}`, async (t) => {
    const cluster = await startCluster(t)
    if (cluster) await behind(t, cluster, redis!, program)
  })
}

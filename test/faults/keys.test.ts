import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Task } from '../../src/schemas/tasks.js'
import { NoAnswer, clientOf, signUp, type Client, type Person } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { freePort } from '../support/free-port.js'
import { until } from '../support/until.js'
import { rounds } from './support/run.js'
import { startServer } from './support/server.js'
import { note } from './support/table.js'

/** Keys of a round: each client creates one task, and begins at another moment before the kill. */
const CLIENTS = 4

/** A moment, in milliseconds: a POST takes some, so that the kill comes before, in the middle of, and after its commit. */
const moment = (latest: number) => Math.random() * latest

/** What somebody has made of a key. */
interface Created { key: string, id: string, tries: number, isReplayed: boolean }

/** Sends one request again and again until there is a 201, as a client that was offline does. */
async function createWith (key: string, { token }: Person, ...clients: Client[]): Promise<Created> {
  for (let tries = 1; ; tries++) {
    const client = clients[tries % clients.length]!
    const answer = await client.call('POST', '/api/tasks', { token, body: { title: key }, headers: { 'idempotency-key': key } })
      .catch((error: unknown) => { if (!(error instanceof NoAnswer)) throw error })
    const isReplayed = answer?.headers['idempotency-replayed'] === 'true'
    if (answer?.status === 201) return { key, id: (answer.body as Task).id, tries, isReplayed }
    if (answer && answer.status !== 503) throw new Error(`a POST is ${answer.status}: ${JSON.stringify(answer.body)}`)
    await sleep(10)
  }
}

/** Whether there is exactly one task of each key, and everybody was told of that one. */
async function isOnceEach (t: Test, { sql }: Cluster, { id: owner }: Person, all: Created[]): Promise<void> {
  const rows = await sql('select id, title from todo.tasks where owner_id = $1', [owner])
  t.equal(rows.length, new Set(all.map(({ key }) => key)).size, 'there are as many tasks as keys')
  t.strictSame(all.filter(({ key, id }) => !rows.some((row) => row.title === key && row.id === id)), [], 'each key has the task that was answered')
  const [list] = await sql('select revision::int, open from todo.task_lists where owner_id = $1', [owner])
  t.strictSame(list, { revision: rows.length, open: rows.length }, 'and each was counted once')
  const [again, replayed] = [all.filter(({ tries }) => tries > 1), all.filter(({ isReplayed }) => isReplayed)]
  note(t, `${rows.length} keys, ${again.length} requests were sent again, ${replayed.length} came when the task was there already`)
}

async function onPostgres (t: Test, cluster: Cluster): Promise<void> {
  const { url, start, kill } = cluster

  /** Begins the requests of a round, and does something in the middle of them. */
  async function round (client: Client, person: Person, disturb: () => Promise<unknown>): Promise<Created[]> {
    const creating = Array.from({ length: CLIENTS }, async () => {
      await sleep(moment(10))
      return createWith(`key-${randomUUID()}`, person, client)
    })
    await sleep(moment(30))
    await disturb()
    return await Promise.all(creating)
  }

  await t.test(`the server is killed (-9) ${rounds.keyKills} times while clients repeat their requests`, async (t) => {
    const port = await freePort()
    let server = await startServer(t, { DATABASE_URL: url }, { port })
    const client = clientOf(t, port)
    const [ada] = await signUp(client, 1)
    const all: Created[] = []
    for (let n = 0; n < rounds.keyKills; n++) {
      all.push(...await round(client, ada!, async () => {
        await server.kill()
        server = await startServer(t, { DATABASE_URL: url }, { port })
      }))
    }
    await isOnceEach(t, cluster, ada!, all)
    t.ok(all.some(({ tries, isReplayed }) => tries > 1 && isReplayed), 'some answers were lost')
  })

  await t.test(`PostgreSQL is killed (-9) ${rounds.keyKills} times while clients repeat their requests`, async (t) => {
    const server = await startServer(t, { DATABASE_URL: url })
    const client = clientOf(t, server.port)
    const [ada] = await signUp(client, 1)
    const all: Created[] = []
    for (let n = 0; n < rounds.keyKills; n++) {
      all.push(...await round(client, ada!, async () => {
        await kill()
        await start()
      }))
      await until('the server is ready again', async () => (await client.call('GET', '/ready')).status === 200)
    }
    await isOnceEach(t, cluster, ada!, all)
    t.ok(all.some(({ tries }) => tries > 1), 'some had to come again')
  })

  await t.test('two replicas get each of 300 keys at once, three times', async (t) => {
    const servers = await Promise.all([1, 2].map(async () => startServer(t, { DATABASE_URL: url })))
    const clients = servers.map(({ port }) => clientOf(t, port, 50))
    for (let n = 0; n < 3; n++) {
      const [ada] = await signUp(clients[0]!, 1)
      const keys = Array.from({ length: 300 }, () => `key-${randomUUID()}`)
      const all = await Promise.all(keys.flatMap((key) => clients.map(async (client) => createWith(key, ada!, client))))
      await isOnceEach(t, cluster, ada!, all)
      t.equal(all.filter(({ isReplayed }) => isReplayed).length, 300, 'one of each two is the repeat')
    }
  })
}

const cluster = await startCluster(t)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster))

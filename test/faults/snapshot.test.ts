import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { clientOf, signUp } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { full } from './support/run.js'
import { startServer } from './support/server.js'
import { note } from './support/table.js'

/*
 * A backup, a report or a standby that reads for long holds a snapshot. PostgreSQL then keeps every version of a row that was
 * written since, and a row that each write of its owner changes, as that of a list, has thousands.
 */

/** Milliseconds that a snapshot is held for, and those of a part of it. */
const HELD = full ? 600_000 : 60_000
const PART = 10_000

/** Clients of the one owner. */
const CLIENTS = 8

async function underSnapshot (t: Test, { url, open }: Cluster): Promise<void> {
  const { port } = await startServer(t, { DATABASE_URL: url })
  const client = clientOf(t, port, CLIENTS)
  const [ada] = await signUp(client, 1)
  const { token } = ada!
  const tasks = await Promise.all(Array.from({ length: CLIENTS }, async () => client.call('POST', '/api/tasks', { token, body: { title: 'busy' } })))

  const statuses = new Set<number>()
  let written = 0
  const over = new AbortController()
  const writing = Promise.all(tasks.map(async ({ body: { id } }) => {
    while (!over.signal.aborted) {
      statuses.add((await client.call('PATCH', `/api/tasks/${id}/complete`, { token })).status)
      written++
    }
  }))
  t.teardown(async () => {
    over.abort()
    await writing
  })
  /** Writes in a second, over some time. */
  const rate = async (ms: number) => {
    const [begin, before] = [performance.now(), written]
    await sleep(ms)
    return Math.round((written - before) / (performance.now() - begin) * 1000)
  }

  await rate(PART / 2)
  const alone = await rate(PART)
  const reader = open()
  t.teardown(async () => { await reader.end({ timeout: 1 }) })
  const held: number[] = []
  await reader.begin('isolation level repeatable read', async (snapshot) => {
    await snapshot`select count(*) from todo.task_lists`
    while (held.length < HELD / PART) held.push(await rate(PART))
  })
  await rate(PART / 2)
  const after = await rate(PART)
  over.abort()
  await writing
  note(t, `${CLIENTS} clients of one owner write ${alone}/s; in each ${PART / 1000} s of a snapshot ${held.join(', ')}/s; after it ${after}/s`)
  t.strictSame(statuses, new Set([200]), 'every write succeeds')
  t.ok(held.every((each) => each > alone / 10), 'it gets slower, and does not stand still')
  t.ok(after > alone / 2, 'and is as fast as before when the snapshot is gone')
}

const cluster = await startCluster(t)
if (cluster) t.test('one owner writes on while somebody holds a snapshot', async (t) => underSnapshot(t, cluster))

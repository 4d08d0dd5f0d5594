import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { clientOf, signUp, type Person } from '../faults/support/client.js'
import { startCluster } from '../faults/support/cluster.js'
import { startServer } from '../faults/support/server.js'
import type { Export } from '../../src/schemas/accounts.js'

/* What an export costs in memory, of a server that has done nothing yet: its heap is as small as it ever is. */

/** Tasks of somebody who has used the server for years. */
const TASKS = 100_000

/** MB. */
const MORE = 30

/** As `npm start` does it. */
const program = ['--max-semi-space-size=32', fileURLToPath(new URL('../../dist/server.js', import.meta.url))]

const cluster = await startCluster(t)
if (cluster) {
  t.test(`an export of ${TASKS} tasks takes less than ${MORE} MB of memory, and is whole`, async (t) => {
    const server = await startServer(t, { DATABASE_URL: cluster.url }, { program })
    const [ada] = await signUp(clientOf(t, server.port), 1) as [Person]
    // Every second one has a text with quotes and owls.
    await cluster.sql(`
      insert into todo.tasks (id, owner_id, title, description, created_at)
      select gen_random_uuid(), $1, 'Task ' || n, case when n % 2 = 0 then repeat('"🦉\\', 40) end, now() + n * interval '1 ms'
      from generate_series(1, ${TASKS}) n`, [ada.id])

    const { rss } = server.figures()
    const peak = peakOf(server.child.pid)
    const request = get({
      port: server.port, host: '127.0.0.1', path: '/api/auth/me/export', headers: { authorization: `Bearer ${ada.token}` }
    })
    const [response] = await once(request, 'response')
    const body = await buffer(response)
    const more = Math.round((peak() - rss) / 1e6)
    t.comment(`${more} MB more than ${Math.round(rss / 1e6)}, for ${Math.round(body.length / 1e6)} MB`)
    t.ok(more < MORE, `${more} MB more`)

    const { user, tasks } = JSON.parse(body.toString()) as Export
    t.equal(user.id, ada.id)
    t.equal(new Set(tasks.map(({ id }) => id)).size, TASKS)
    t.ok(tasks.every(({ title }, index) => title === `Task ${index + 1}`), 'oldest first')
    t.equal((await server.stop()).end, 0)
  })
}

/** @returns what tells the most memory in bytes that a process has had from now on (Linux: proc(5), clear_refs) */
function peakOf (pid: number): () => number {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return () => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

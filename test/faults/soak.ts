import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PASSWORD, clientOf, newEmail, signUp, type Client, type Person } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { Ledger } from './support/ledger.js'
import { startLoad, type Sample } from './support/load.js'
import { startServer, type Server } from './support/server.js'
import { auditOf, countsOf, isAnswered, isWhole, note, report } from './support/table.js'

/*
 * The soak: `npm run soak`. A server under a mixed load for minutes, which must end as it was after the first one.
 */

const MINUTE = 60_000
const DURATION = Number(process.env.FAULTS_MINUTES ?? 10) * MINUTE

/** Connections that go on with tasks of their own, as fast as they are answered. */
const WORKERS = 6

/** Milliseconds between two of the other requests, on two more connections. */
const PAUSE = 50

/** Milliseconds over which a figure is taken: memory goes up and down with each collection of garbage. */
const WINDOW = 30_000

/** How much of its memory after the first minute a server may have gained in the end. */
const GROWTH = 0.1

/** Connections of those who go away, at a time. */
const LEAVING = 2

/** The default of DATABASE_POOL_SIZE. */
const POOL = 4

/** What a server does beside tasks that are in order, each with the status it has to have. */
const requestsOf = ({ token, email }: Person): Array<[status: number, method: string, path: string, body?: object]> => [
  [200, 'POST', '/api/auth/login', { email, password: PASSWORD }],
  [401, 'POST', '/api/auth/login', { email: newEmail('nobody'), password: PASSWORD }],
  [201, 'POST', '/api/auth/signup', { email: newEmail(), password: PASSWORD, name: 'Ada' }],
  [409, 'POST', '/api/auth/signup', { email, password: PASSWORD, name: 'Ada' }],
  [200, 'GET', '/api/tasks?limit=100'],
  [200, 'GET', '/api/tasks?limit=10&is_completed=true'],
  [422, 'GET', '/api/tasks?limit=0'],
  [422, 'POST', '/api/tasks', { title: '' }],
  [404, 'GET', '/api/tasks/01a1f8b6-49ed-701d-abc0-daa9eff03e43'],
  [403, 'GET', '/api/01a1f8b6-49ed-701d-abc0-daa9eff03e43/tasks'],
  [404, 'GET', `/nothing?token=${token}`],
  [405, 'DELETE', '/health'],
  [200, 'GET', '/docs'],
  [200, 'GET', '/openapi.json'],
  [200, 'GET', '/ready']
]

const HALF = 'POST /api/tasks HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'

interface Others { port: number, client: Client, person: Person, others: Sample[], end: number }

/** Sends the others, one after the other, until the end, and writes them down. */
async function sendOthers ({ port, client, person, others, end }: Others): Promise<void> {
  while (performance.now() < end) {
    for (const [status, method, path, body] of requestsOf(person)) {
      const at = performance.now()
      const answer = await client.call(method, path, { token: person.token, body })
      const wrong = answer.status === status ? undefined : `${method} ${path}: ${answer.status}`
      others.push({ what: path, id: '', outcome: answer.status, at, ms: answer.ms, wrong })
      await sleep(PAUSE)
    }
    // Somebody who goes away in the middle of a request.
    const socket = connect(port, '127.0.0.1', () => { socket.write(HALF) })
    await sleep(PAUSE)
    socket.destroy()
  }
}

interface Figures { rss: number, files: number, connections: number }

async function onPostgres (t: Test, { url, sql }: Cluster): Promise<void> {
  const server = await startServer(t, { DATABASE_URL: url })
  const { port } = server
  const client = clientOf(t, port, 2)
  const people = await signUp(client, 4)
  const ledger = new Ledger()
  const load = startLoad(t, { port, people, ledger, workers: WORKERS })
  const others: Sample[] = []
  const end = performance.now() + DURATION
  const sent = Promise.all(people.slice(0, LEAVING).map(async (person) => sendOthers({ port, client, person, others, end })))

  await sleep(MINUTE - WINDOW)
  const first = await figuresOf(server, sql)
  await sleep(DURATION - MINUTE - WINDOW)
  const last = await figuresOf(server, sql)
  await sent
  const samples = [...others, ...await load.stop()]
  const audit = await auditOf(url, people, ledger)

  report(t, { fault: `${DURATION / MINUTE} minutes of mixed load`, ...countsOf(samples), audited: audit.audited, lost: audit.lost })
  for (const [when, { rss, files, connections }] of Object.entries({ 'after a minute': first, 'in the end': last })) {
    note(t, `${when}: ${(rss / 1024 / 1024).toFixed(1)} MiB, ${files} open files, ${connections} connections to PostgreSQL`)
  }
  isAnswered(t, samples)
  isWhole(t, audit)
  t.equal(countsOf(samples).failed, 0, 'none failed')
  t.ok(last.rss < first.rss * (1 + GROWTH), 'memory does not grow')
  t.ok(last.files <= first.files + LEAVING, 'open files do not grow')
  t.ok(last.connections <= POOL, 'connections do not grow')
}

/** What a server holds: its memory on average, and the most files and connections, over half a minute. */
async function figuresOf (server: Server, sql: Cluster['sql']): Promise<Figures> {
  const end = performance.now() + WINDOW
  const seen: Figures[] = []
  while (performance.now() < end) {
    const [row] = await sql("select count(*)::int as count from pg_stat_activity where application_name = 'todo-backend'")
    seen.push({ ...server.figures(), connections: row!.count as number })
    await sleep(500)
  }
  const most = (of: (figures: Figures) => number) => Math.max(...seen.map(of))
  const rss = seen.reduce((sum, figures) => sum + figures.rss, 0) / seen.length
  return { rss, files: most(({ files }) => files), connections: most(({ connections }) => connections) }
}

const cluster = await startCluster(t)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster))

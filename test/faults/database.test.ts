import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { proxyTo } from '../support/proxy.js'
import { PASSWORD, clientOf, newEmail, signUp, type Person } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { tokenOfFirstVersion } from './support/first-version.js'
import { Ledger } from './support/ledger.js'
import { startLoad } from './support/load.js'
import { searchLog, statusesIn } from './support/log.js'
import { NOISE, PROMISED } from './support/run.js'
import { until } from '../support/until.js'
import { startServer, type Server } from './support/server.js'
import { auditOf, countsOf, isAnswered, isWhole, note, report, tally } from './support/table.js'

/** Connections that PostgreSQL takes, three of them from operators alone. */
const CONNECTIONS = 20
const RESERVED = 3

/** The default of DATABASE_POOL_SIZE. */
const POOL = 4

/** What a write of a task takes. */
const WRITES = 'insert, update, delete'

/** Milliseconds that a fault lasts: longer than every time limit of the server. */
const OUTAGE = 5000

async function onPostgres (t: Test, cluster: Cluster): Promise<void> {
  const { url, sql, open } = cluster

  await t.test('PostgreSQL is not there when the server starts', async (t) => {
    await cluster.stop()
    const { port } = await startServer(t, { DATABASE_URL: url })
    const client = clientOf(t, port)
    const signup = async () => client.call('POST', '/api/auth/signup', { body: { email: newEmail(), password: PASSWORD, name: 'Ada' } })
    t.equal((await client.call('GET', '/health')).status, 200)
    const outage = [await client.call('GET', '/ready'), await signup()]
    for (const { status, headers, body } of outage) {
      t.strictSame([status, body], [503, { detail: 'Service unavailable', status_code: 503 }])
      t.match(headers['retry-after'], /^[1-9]\d*$/)
    }
    await cluster.start()
    const healed = performance.now()
    await until('it is ready', async () => (await client.call('GET', '/ready')).status === 200)
    const recovery = performance.now() - healed
    t.equal((await signup()).status, 201, 'the tables are there')
    t.ok(recovery < PROMISED * NOISE)
    report(t, { fault: 'PostgreSQL is not there at the start', sent: 3, answered: 3, failed: 2, slowest: Math.max(...outage.map(({ ms }) => ms)), recovery })
  })

  const proxy = await proxyTo(url)
  t.teardown(() => {
    proxy.refuse()
    proxy.cut()
  })
  const direct = await startServer(t, { DATABASE_URL: url })
  const through = await startServer(t, { DATABASE_URL: proxy.url })

  interface Fault {
    fault: string
    server?: Server
    begin: () => unknown
    end?: () => unknown
  }

  /** Puts a server under load, breaks something, mends it, and looks at what came of every request and write. */
  async function suffer (t: Test, { fault, server = direct, begin, end }: Fault): Promise<void> {
    const people = await signUp(clientOf(t, server.port), 4)
    owner = people[0]!.id
    const ledger = new Ledger()
    const load = startLoad(t, { port: server.port, people, ledger })
    await sleep(500)
    await begin()
    await sleep(OUTAGE)
    await end?.()
    const recovery = await load.recovered(performance.now())
    const samples = await load.stop()
    const audit = await auditOf(url, people, ledger)
    report(t, { fault, ...countsOf(samples), audited: audit.audited, lost: audit.lost, recovery })
    isAnswered(t, samples)
    isWhole(t, audit)
    t.ok(samples.some(({ outcome }) => outcome === 503), 'the fault was felt')
    t.ok(recovery < PROMISED * NOISE, 'success is back')
    t.notOk(server.child.hasEnded(), 'the process lives')
  }

  const backends = "select pid from pg_stat_activity where application_name = 'todo-backend'"
  const cutAll = `select pg_terminate_backend(pid) from (${backends}) as own`

  /** Takes every connection that PostgreSQL has for users, the server's too. @returns what gives them back */
  async function takeConnections (): Promise<() => Promise<void>> {
    const taken: Array<ReturnType<typeof open>> = []
    for (;;) {
      const one = open('todo')
      try {
        await one`select 1`
        taken.push(one)
      } catch {
        await one.end({ timeout: 0 })
        if ((await sql(backends)).length === 0) break
        await sql(`${cutAll} limit 1`)
      }
    }
    return async () => { await Promise.all(taken.map(async (one) => one.end({ timeout: 1 }))) }
  }

  /** Runs a statement in a transaction that stays open. @returns what ends it */
  async function hold (statement: string): Promise<() => Promise<void>> {
    const holder = open()
    await holder.unsafe('begin')
    await holder.unsafe(statement)
    return async () => {
      await holder.unsafe('rollback')
      await holder.end()
    }
  }

  const body = (text: string) => `create or replace function slow() returns trigger language plpgsql as $$ begin ${text} return new; end $$`
  let giveBack = async () => {}
  let owner = ''

  const faults: Fault[] = [
    { fault: 'PostgreSQL is killed (-9) and comes back', begin: cluster.kill, end: cluster.start },
    {
      fault: 'PostgreSQL is restarted',
      begin: async () => {
        await cluster.stop()
        await cluster.start()
      }
    },
    {
      fault: 'every connection is terminated, ten times',
      begin: async () => {
        for (let times = 0; times < 10; times++) {
          await sql(cutAll)
          await sleep(200)
        }
      }
    },
    {
      // A default of read-only sessions is overruled; see also the standby below.
      fault: 'the role may not write',
      begin: async () => sql(`revoke ${WRITES} on all tables in schema todo from todo`),
      end: async () => sql(`grant ${WRITES} on all tables in schema todo to todo`)
    },
    {
      fault: 'PostgreSQL is out of connections',
      begin: async () => { giveBack = await takeConnections() },
      end: async () => giveBack()
    },
    {
      fault: 'every row of a user is locked',
      begin: async () => { giveBack = await hold(`select 1 from todo.tasks where owner_id = '${owner}' for update`) },
      end: async () => giveBack()
    },
    {
      fault: 'the table is locked',
      begin: async () => { giveBack = await hold('lock table todo.tasks in access exclusive mode') },
      end: async () => giveBack()
    },
    {
      fault: 'statements take 30 s',
      begin: async () => {
        await sql(body('perform pg_sleep(30);'))
        await sql('create trigger slow before insert on todo.tasks for each row execute function slow()')
      },
      end: async () => sql(body(''))
    },
    {
      fault: 'connections are accepted and closed',
      server: through,
      begin: () => {
        proxy.treat('hang up')
        proxy.cut()
      },
      end: () => { proxy.treat('pass') }
    },
    {
      fault: 'connections are accepted and stall',
      server: through,
      begin: () => {
        proxy.treat('stall')
        void proxy.silence()
      },
      end: () => { proxy.treat('pass') }
    },
    {
      fault: 'nothing listens, open connections are silent',
      server: through,
      begin: () => {
        proxy.refuse()
        void proxy.silence()
      },
      end: proxy.accept
    }
  ]
  for (const fault of faults) await t.test(fault.fault, async (t) => suffer(t, fault))

  await t.test('1,000 requests wait for a stalled database, and others are answered at once', async (t) => {
    const client = clientOf(t, through.port)
    const [ada] = await signUp(client, 1) as [Person]
    const token = tokenOfFirstVersion(ada)
    proxy.treat('stall')
    void proxy.silence()
    const waiting = Array.from({ length: 1000 }, async () => client.call('GET', '/api/tasks', { token }))
    await sleep(300)
    const others = await Promise.all(Array.from({ length: 20 }, async () => Promise.all([
      client.call('GET', '/api/tasks'),
      client.call('POST', '/api/tasks', { token, body: {} }),
      client.call('GET', '/nothing'),
      client.call('GET', '/health')
    ])))
    for (const answers of others) t.strictSame(answers.map(({ status }) => status), [401, 422, 404, 200])
    const slowest = Math.max(...others.flat().map(({ ms }) => ms))
    t.ok(slowest < 200 * NOISE, `answered after ${Math.round(slowest)} ms`)
    const answers = await Promise.all(waiting)
    t.strictSame(tally(answers.map(({ status }) => String(status))), { 503: 1000 })
    t.ok(Math.max(...answers.map(({ ms }) => ms)) < PROMISED * NOISE)
    proxy.treat('pass')
    const healed = performance.now()
    await until('it is ready', async () => (await client.call('GET', '/ready')).status === 200)
    report(t, { fault: '80 requests beside 1,000 that wait for a stalled database', sent: 80, answered: 80, failed: 0, slowest, recovery: performance.now() - healed })
  })

  await t.test('a standby serves reads, and takes no writes', async (t) => {
    const client = clientOf(t, direct.port)
    const [{ token }] = await signUp(client, 1) as [Person]
    const { body: { id } } = await client.call('POST', '/api/tasks', { token, body: { title: 'on both' } })
    const standby = clientOf(t, (await startServer(t, { DATABASE_URL: await cluster.standby() })).port)
    t.equal((await standby.call('GET', '/ready')).status, 200)
    t.match(await standby.call('GET', `/api/tasks/${id as string}`, { token }), { status: 200, body: { title: 'on both' } })
    t.match((await standby.call('GET', '/api/tasks', { token })).body, { total: 1 })
    const writes: Array<[string, string, object?]> = [
      ['POST', '/api/tasks', { title: 'lost' }], ['PUT', `/api/tasks/${id as string}`, { title: 'lost' }],
      ['PATCH', `/api/tasks/${id as string}/complete`], ['DELETE', `/api/tasks/${id as string}`]
    ]
    for (const [method, path, body] of writes) t.equal((await standby.call(method, path, { token, body })).status, 503, method)
    t.match((await client.call('GET', '/api/tasks', { token })).body, { total: 1, tasks: [{ title: 'on both', is_completed: false }] })
  })

  await t.test('an outage is told at a bounded rate, and not for every request', async (t) => {
    const { warnings } = await searchLog(direct.log)
    const failures = [...statusesIn(direct.log).values()].flat().filter((status) => status === 503).length
    note(t, `${failures} requests failed, and ${warnings} lines tell of it`)
    t.ok(warnings > 0 && warnings < failures)
  })

  await t.test('no connection is left over', async (t) => {
    const count = async () => (await sql(backends)).length
    note(t, `${await count()} connections of two servers`)
    await until('each server has as many connections as its pool', async () => await count() <= 2 * POOL)
  })
}

const cluster = await startCluster(t, `max_connections=${CONNECTIONS}`, `superuser_reserved_connections=${RESERVED}`)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster))

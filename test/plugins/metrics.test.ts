import { request } from 'node:http'
import t, { type Test } from 'tap'
import { connectEmbedded } from '../../src/db/embedded.js'
import { prometheus } from '../../src/metrics/prometheus.js'
import { serveMetrics } from '../../src/metrics/serve.js'
import { PASSWORD, startApp } from '../helper.js'
import { freePort } from '../support/free-port.js'
import { keepLog } from '../support/log.js'
import { parsed, startMeasured } from '../support/metrics.js'
import { rawClient } from '../support/raw.js'
import { smtpServer } from '../support/smtp-server.js'
import { follow, listening } from '../support/stream.js'
import { until } from '../support/until.js'

const { app, db, read, series, signUp } = await startMeasured(t, {
  settings: { MAX_STREAMS: '7', HASH_THREADS: '1', HASH_QUEUE: '0', DATABASE_QUEUE: '50', MAX_CONCURRENT_REQUESTS: '99' }
})
const base = await listening(app)
const ada = await signUp()

const COUNT = 'http_server_request_duration_seconds_count'

/** One request over a socket. @returns the status, when the answer is whole */
const ask = async (method: string, path: string, headers = {}) => new Promise<number>((resolve, reject) => {
  request(base + path, { method, headers, agent: false }, (answer) => {
    answer.resume().on('end', () => { resolve(answer.statusCode!) })
  }).on('error', reject).end()
})

t.test('each request is counted once, by method, pattern of its route and status', async (t) => {
  const task = await ada.add('a task')
  const auth = { authorization: `Bearer ${ada.token}` }
  const cases: Array<[method: string, path: string, route: string, status: number, headers?: Record<string, string>]> = [
    ['GET', '/health', '/health', 200],
    ['GET', '/health?x=1', '/health', 200],
    ['GET', '/', '/', 200],
    ['GET', `/api/tasks/${task.id}`, '/api/tasks/:task_id', 200, auth],
    ['GET', '/api/tasks/unknown', '/api/tasks/:task_id', 422, auth],
    ['HEAD', '/api/tasks', '/api/tasks', 200, auth],
    ['GET', '/api/tasks?q=secret', '/api/tasks', 401],
    ['GET', `/api/${ada.id}/tasks`, '/api/:user_id/tasks', 200, auth],
    ['GET', '/docs/static/favicon-16x16.png', '/docs/static/*', 200],
    ['POST', '/health', 'unknown', 405],
    ['PROPFIND', '/nothing', 'unknown', 404]
  ]
  for (const [method, path, route, status, headers] of cases) {
    const known = method === 'PROPFIND' ? '_OTHER' : method
    const labels = { http_request_method: known, http_route: route, http_response_status_code: String(status) }
    const before = await read(COUNT, labels) ?? 0
    t.equal(await ask(method, path, headers), status, `${method} ${path}`)
    await until('it is counted', async () => await read(COUNT, labels) === before + 1, 10)
  }
  const total = await read(COUNT)
  t.equal(await read('http_server_request_duration_seconds_bucket', { le: '+Inf' }), total)
  t.equal(await read('http_server_request_duration_seconds_bucket', { le: '10' }), total, 'in seconds')
  t.equal(await read('http_server_active_requests'), 0)
})

t.test('rubbish makes no series', async (t) => {
  await ask('GET', '/a')
  await ask('PURGE', '/api/tasks')
  await until('both are counted', async () => await read('http_server_active_requests') === 0)
  const before = (await series()).length
  const methods = ['GET', 'POST', 'MKCOL', 'REPORT', 'LOCK', 'UNSUBSCRIBE']
  for (let i = 0; i < 60; i++) await ask(methods[i % methods.length]!, `/${i}/${'x'.repeat(i)}"}\\?${i}`)
  await until('all are counted', async () => await read('http_server_active_requests') === 0)
  const added = (await series()).slice(before).map(({ labels }) => `${labels.http_request_method} ${labels.http_route}`)
  t.ok(new Set(added).size <= 2, 'GET and POST of what is unknown, and nothing else')
})

t.test('a request whose client goes before its answer is one of 499', async (t) => {
  const { app, read } = await startMeasured(t, {
    database: db,
    prepare (app) {
      app.get('/slow', { schema: { hide: true } }, async (_request, reply) => new Promise((resolve) => { reply.raw.on('close', resolve) }))
    }
  })
  const client = rawClient(Number(new URL(await listening(app)).port))
  client.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until('it is in progress', async () => await read('http_server_active_requests') === 1)
  client.reset()
  await until('it is counted', async () => await read(COUNT, { http_route: '/slow', http_response_status_code: '499' }) === 1)
  t.equal(await read('http_server_active_requests'), 0)
})

t.test('statements are timed by their names, and their failures counted by kind', async (t) => {
  const name = 'db_client_operation_duration_seconds_count'
  const before = await read(name, { db_query_summary: 'tasks.create', error_type: '' }) ?? 0
  await ada.add('another')
  t.equal(await read(name, { db_query_summary: 'tasks.create', error_type: '' }), before + 1)
  t.equal((await ada.call('POST', '/api/auth/signup', { body: { email: ada.email, password: PASSWORD, name: 'Ada' } })).status, 409)
  t.equal(await read(name, { error_type: 'constraint' }), 1)
  await t.rejects(app.db.run({ name: 'bad', text: 'select 1/0', bind: () => [], echo: {} }))
  await t.rejects(app.db.run({ name: 'bad', text: 'select 1 as one', bind: () => [], echo: { one: 'two' } }, { two: 2 }))
  for (const kind of ['failed', 'foreign_answer']) t.equal(await read(name, { db_query_summary: 'bad', error_type: kind }), 1)
})

t.test('the connections, the queues and their ends are those of now', async (t) => {
  const figures = async () => Object.fromEntries((await series())
    .filter(({ name }) => /^todo_queue|^db_client_connection|^todo_database/.test(name))
    .map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(' '), value]))
  const idle = {
    'todo_queue_max requests': 99,
    'todo_queue_max passwords': 1,
    'todo_queue_max streams': 7,
    'todo_queue_max statements': 50,
    'todo_queue_used requests': 0,
    'todo_queue_used streams': 0,
    todo_database_up: 1,
    db_client_connection_pending_requests: 0,
    'db_client_connection_count used': 0
  }
  // The process asks by itself, too, each second.
  const areIdle = async () => until('all are idle', async () => {
    const now = await figures()
    return Object.entries(idle).every(([name, value]) => now[name] === value)
  })
  await areIdle()
  const { max, open } = app.db.load()
  t.match(await figures(), { db_client_connection_max: max, 'db_client_connection_count idle': Number })
  t.ok(open >= 1)
  const many = Promise.all(Array.from({ length: 20 }, async () => app.db.ping()))
  const { statements, used, waiting } = app.db.load()
  t.ok(statements >= 20)
  t.ok(used <= max && used + waiting <= statements)
  await many
  await areIdle()
})

t.test('streams, and how soon they are told', async (t) => {
  const stream = await follow(t, `${base}/api/tasks/events`, ada.token)
  await stream.wait(1)
  t.equal(await read('todo_queue_used', { queue: 'streams' }), 1)
  t.equal(await read('http_server_active_requests'), 1)
  const before = await read('todo_sync_delay_seconds_count')
  await ada.add('told')
  await stream.wait(2)
  t.equal(await read('todo_sync_delay_seconds_count'), before! + 1)
  t.equal(await read('todo_sync_delay_seconds_bucket', { le: '1' }), before! + 1)
  stream.close()
  await until('it is counted', async () => await read(COUNT, { http_route: '/api/tasks/events', http_response_status_code: '200' }) === 1)

  await t.test('whoever was away is no delay', async (t) => {
    const late = await follow(t, `${base}/api/tasks/events?since=${stream.events[0]!.id}`, ada.token)
    await late.wait(2)
    t.equal(await read('todo_sync_delay_seconds_count'), before! + 1)
  })
})

t.test('who is refused, and why', async (t) => {
  const mailServer = await smtpServer(t)
  const { app, read, call, signUp } = await startMeasured(t, {
    database: db,
    settings: {
      RATE_LIMIT: 'on',
      RATE_LIMIT_USER: '2',
      RATE_LIMIT_MAILS: '1',
      HASH_THREADS: '1',
      HASH_QUEUE: '0',
      SMTP_URL: mailServer.url,
      MAIL_FROM: 'todo@example.com',
      APP_URL: 'https://app.example.com/'
    }
  })
  const bob = await signUp('Bob')
  for (let i = 0; i < 4; i++) await bob.call('GET', '/api/tasks')
  t.equal(await read('todo_rate_limit_refusals_total', { limit: 'user' }), 2)
  const reset = async () => call('POST', '/api/auth/password-reset', { body: { email: bob.email } })
  await reset()
  await reset()
  await until('a mail is refused', async () => await read('todo_rate_limit_refusals_total', { limit: 'mail' }) === 1)
  await until('the welcome and the link have gone', async () => await read('todo_mails_total', { outcome: 'sent' }) === 2)
  const body = { email: bob.email, password: PASSWORD }
  await Promise.all([1, 2, 3].map(async () => call('POST', '/api/auth/login', { body })))
  t.ok(await read('todo_unavailable_answers_total', { reason: 'passwords' }))
  app.drain()
  await call('GET', '/ready')
  t.equal(await read('todo_unavailable_answers_total', { reason: 'stopping' }), 1)
})

t.test('a database that is away, or late, is not up', async (t) => {
  const { read, call } = await startMeasured(t, { database: connectEmbedded('memory') })
  t.equal(await read('todo_database_up'), 0)
  await call('GET', '/ready')
  t.equal(await read('todo_unavailable_answers_total', { reason: 'database unavailable' }), 1)
  const late = await startMeasured(t, { database: { ...db, ping: async () => new Promise(() => {}) } })
  t.equal(await late.read('todo_database_up'), 0)
})

t.test('the process: what runs, its time, its memory, and how late its event loop is', async (t) => {
  t.equal(await read('todo_build_info', { version: '1.2.3', node: process.versions.node }), 1)
  const active = async () => (await read('nodejs_eventloop_time_seconds_total', { nodejs_eventloop_state: 'active' }))!
  const before = await active()
  // What is between a look and the next tick is in no figure of Node.
  await new Promise((resolve) => { setTimeout(resolve, 30) })
  for (const end = performance.now() + 100; performance.now() < end;);
  await new Promise((resolve) => { setTimeout(resolve, 30) })
  t.ok((await read('nodejs_eventloop_delay_max_seconds'))! > 0.05)
  t.ok(await active() > before + 0.09)
  await until('it is nearly nothing, without the time between two looks', async () => {
    await new Promise((resolve) => { setTimeout(resolve, 50) })
    return (await read('nodejs_eventloop_delay_p50_seconds'))! < 0.005
  })
  for (const mode of ['user', 'system']) t.ok((await read('process_cpu_time_seconds_total', { cpu_mode: mode }))! >= 0)
  t.ok((await read('process_memory_usage_bytes'))! > 2 ** 20)
  t.ok((await read('process_uptime_seconds'))! > 0)
})

/** Serves metrics. @returns where, when they are served */
async function serve (t: Test, metrics: Parameters<typeof serveMetrics>[0], port = 0) {
  const log = keepLog()
  const line = (level: number) => (facts: object, msg: string) => { log.write(`${JSON.stringify({ level, msg, ...facts })}\n`) }
  const end = serveMetrics(metrics, { host: '127.0.0.1', port }, { info: line(30), warn: line(40) })
  t.teardown(end)
  await until('it says something', () => log.lines().length > 0)
  const { metrics: place } = log.lines()[0] as { metrics?: { port: number } }
  return { log, url: `http://127.0.0.1:${place?.port}/metrics` }
}

t.test('they are served as Prometheus wants them, and nothing else is', async (t) => {
  const { url } = await serve(t, await prometheus('1.2.3'))
  const answer = await fetch(`${url}?x=1`)
  t.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.ok(parsed(await answer.text()).some(({ name }) => name === 'todo_build_info'))
  const head = await fetch(url, { method: 'HEAD' })
  t.strictSame([head.status, await head.text()], [200, ''])
  t.equal((await fetch(url, { method: 'POST' })).status, 405)
  t.equal((await fetch(url.replace('metrics', ''))).status, 404)
})

t.test('a port that is taken is a line of the log, and nobody else cares; so is a figure that cannot be had', async (t) => {
  const metrics = { text: async () => { throw new Error('on purpose') }, stop () {} }
  const first = await serve(t, metrics)
  const { log } = await serve(t, metrics, Number(new URL(first.url).port))
  t.match(log.lines(), [{ level: 40, msg: 'metrics not served', reason: /EADDRINUSE/ }])
  t.equal((await fetch(first.url)).status, 500)
  t.match(first.log.lines()[1], { level: 40, reason: 'on purpose' })
})

t.test('on the port of the API there are none', async (t) => {
  t.equal(await ask('GET', '/metrics'), 404)
  const { call } = await startApp(t, { database: db, settings: { METRICS_PORT: String(await freePort()) } })
  t.equal((await call('GET', '/metrics')).status, 404)
})

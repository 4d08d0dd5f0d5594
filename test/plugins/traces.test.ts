import { request, type IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import { otlp } from '../../src/traces/otlp.js'
import { startApp, type Options } from '../helper.js'
import { keepLog } from '../support/log.js'
import { startCollector } from '../support/otlp.js'
import { rawClient } from '../support/raw.js'
import { follow, listening } from '../support/stream.js'
import { until } from '../support/until.js'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${TRACE}-00f067aa0ba902b7-00`
const SERVER = 2
const CLIENT = 3

const collector = await startCollector(t)

interface TracedOptions extends Options { ratio?: number, endpoint?: string }

/** An application with traces, and what its collector gets of one of them. */
async function startTraced (t: Test, { ratio = 1, endpoint = collector.url, ...options }: TracedOptions = {}) {
  const reasons: string[] = []
  const traces = otlp({ endpoint, ratio, service: 'todo-backend', version: '1.2.3', log: (reason) => { reasons.push(reason) }, delay: 20 })
  const app = await startApp(t, { ...options, traces })

  /** @returns the spans of a trace, when that of its request has come */
  async function spansOf (traceId: string) {
    const own = () => collector.spans.filter((span) => span.traceId === traceId)
    await until('its request has come', () => own().some(({ kind }) => kind === SERVER), 10)
    const spans = own()
    const request = spans.find(({ kind }) => kind === SERVER)!
    return { request, statements: spans.filter(({ kind }) => kind === CLIENT) }
  }
  return { ...app, spansOf, reasons }
}

const traceOf = (header: unknown) => /^00-([0-9a-f]{32})-[0-9a-f]{16}-0[01]$/.exec(String(header))![1]!

const log = keepLog()
const { app, db, signUp, spansOf } = await startTraced(t, { settings: { LOG_LEVEL: 'info' }, output: log })
const base = await listening(app)
const ada = await signUp()
const auth = { authorization: `Bearer ${ada.token}` }

/** A POST whose body comes when the server has begun to wait for it. */
const sendLater = async (path: string, body: string, headers: object) => new Promise<IncomingMessage>((resolve, reject) => {
  const sent = request(base + path, { method: 'POST', agent: false, headers: { ...headers, expect: '100-continue' } }, (answer) => {
    resolve(answer.resume())
  })
  sent.on('continue', () => { sent.end(body) }).on('error', reject).flushHeaders()
})

t.test('a request with a body is a span, its statements are within it, and it belongs to the trace of whoever asks', async (t) => {
  const answer = await sendLater('/api/tasks', '{"title":"Buy milk"}', {
    ...auth, traceparent, 'content-type': 'application/json', 'x-request-id': 'traced'
  })
  t.equal(answer.statusCode, 201)
  t.equal(traceOf(answer.headers.traceresponse), TRACE)
  const { request: span, statements } = await spansOf(TRACE)
  t.match(span, { name: 'POST /api/tasks', parent: '00f067aa0ba902b7', status: 0, service: 'todo-backend' })
  t.strictSame(span.attributes, {
    'http.request.method': 'POST', 'http.route': '/api/tasks', 'http.response.status_code': 201, 'url.path': '/api/tasks', 'url.scheme': 'http'
  })
  const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': 'tasks.create' }
  const written = statements.filter(({ name }) => name === 'tasks.create')
  t.match(written, [{ parent: span.spanId, attributes }])
  t.equal(log.lines().find(({ reqId }) => reqId === 'traced')!.trace_id, TRACE)
})

t.test('without a trace it begins one; what is no route has no pattern, and a 404 is no error', async (t) => {
  const answer = await fetch(`${base}/nothing?x=1`)
  const { request, statements } = await spansOf(traceOf(answer.headers.get('traceresponse')))
  t.match(request, { name: 'GET', parent: '', status: 0, attributes: { 'url.path': '/nothing', 'http.response.status_code': 404 } })
  t.notOk('http.route' in request.attributes)
  t.strictSame(statements, [])
})

t.test('an answer of 500 and more is an error, and so is its statement', async (t) => {
  const { call, spansOf } = await startTraced(t, { database: { ...db, run: async () => { throw new Error('on purpose') } } })
  const { headers } = await call('GET', '/api/tasks', { token: ada.token })
  const { request, statements } = await spansOf(traceOf(headers.traceresponse))
  t.match(request, { status: 2, attributes: { 'error.type': '500' } })
  t.match(statements[0], { status: 2, attributes: { 'error.type': 'failed' } })
})

t.test('of a stream its beginning is a span, and not what it tells for hours', async (t) => {
  const stream = await follow(t, `${base}/api/tasks/events`, ada.token)
  await stream.wait(1)
  await ada.add('told')
  await stream.wait(2)
  stream.close()
  const { request, statements } = await spansOf(traceOf(stream.headers.traceresponse))
  t.match(request, { name: 'GET /api/tasks/events', attributes: { 'http.response.status_code': 200 } })
  t.strictSame(statements.map(({ name }) => name), ['changes.newest', 'changes.after'])
  const others = collector.spans.filter(({ name, traceId }) => name === 'changes.after' && traceId !== request.traceId)
  t.strictSame(others, [], 'nor is it a part of who has written')
})

t.test('a client that leaves is told of', async (t) => {
  const { app, spansOf } = await startTraced(t, {
    database: db,
    prepare: (app) => {
      app.get('/slow', { schema: { hide: true } }, async (_request, reply) => new Promise((resolve) => { reply.raw.on('close', resolve) }))
      app.addHook('preValidation', async ({ span }) => { left.push(span!.traceId) })
    }
  })
  const left: string[] = []
  const client = rawClient(Number(new URL(await listening(app)).port))
  client.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until('it is begun', () => left.length > 0)
  client.reset()
  const { request } = await spansOf(left[0]!)
  t.match(request.attributes, { 'error.type': 'aborted', 'http.route': '/slow' })
})

t.test('whether a trace is recorded is no decision of a client; it has an id all the same', async (t) => {
  const { call } = await startTraced(t, { database: db, ratio: 0 })
  const asked = 'b'.repeat(32)
  const { headers } = await call('GET', '/api/tasks', { token: ada.token, headers: { traceparent: `00-${asked}-00f067aa0ba902b7-01` } })
  t.match(headers.traceresponse, new RegExp(`^00-${asked}-[0-9a-f]{16}-00$`))
  await app.inject('/health')
  await until('others have come', () => collector.spans.at(-1)?.name === 'GET /health')
  t.notOk(collector.spans.some(({ traceId }) => traceId === asked))
})

t.test('a collector that takes nothing is a line of the log, once in a while', async (t) => {
  const { call, reasons } = await startTraced(t, { database: db, endpoint: `${collector.url}/elsewhere/` })
  for (let i = 0; i < 2; i++) {
    const before = collector.refused()
    await call('GET', '/api/tasks', { token: ada.token })
    await until('it has refused', () => collector.refused() > before)
    await until('it is told', () => reasons.length > 0)
  }
  t.equal(reasons.length, 1)
})

t.test('a collector that is away costs nobody anything: one line, and an end in time', async (t) => {
  const { app, call, reasons } = await startTraced(t, { database: db, endpoint: 'http://127.0.0.1:1/' })
  for (let i = 0; i < 3; i++) t.equal((await call('GET', '/api/tasks', { token: ada.token })).status, 200)
  const start = performance.now()
  await app.close()
  t.ok(performance.now() - start < 3000)
  t.ok(reasons.length <= 1)
})

import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startApp } from '../helper.js'
import { keepLog } from '../support/log.js'
import { exchange, listen, rawClient, request } from '../support/raw.js'
import { until } from '../support/until.js'

/** The handlers of `GET /slow` that wait for one of these, by the query. */
const gates = new Map<string, () => void>()
const log = keepLog()

const { app, db, call } = await startApp(t, { settings: { LOG_LEVEL: 'info' }, output: log, prepare })

function prepare (app: FastifyInstance): void {
  app.get('/slow', { schema: { hide: true } }, async ({ url }) => {
    await new Promise<void>((resolve) => { gates.set(url.split('?')[1]!, resolve) })
    return url
  })
}
const port = await listen(app)

const HOST = 'Host: localhost'
const slow = (name: string) => request(`GET /slow?${name} HTTP/1.1`, [HOST, `X-Request-Id: ${name}`])
/** More than what the system takes from a server for a client that reads nothing. */
const FILE = request('GET /docs/static/swagger-ui-bundle.js HTTP/1.1', [HOST, 'X-Request-Id: file']).repeat(8)

async function open (name: string): Promise<void> {
  await until(`${name} is begun`, () => gates.has(name))
  gates.get(name)!()
  gates.delete(name)
}

/** The lines of the log about requests whose client has gone, by their ids. */
const goneInLog = () => log.lines().filter(({ aborted }) => aborted).map(({ reqId }) => reqId)

t.test('requests that come together are answered in their order, one begun after the other', async (t) => {
  const client = rawClient(port)
  client.write(slow('a') + slow('b') + request('GET /slow?c HTTP/1.1', [HOST, 'Connection: close']))
  for (const name of ['a', 'b', 'c']) {
    await until(`${name} is begun`, () => gates.has(name))
    t.strictSame([...gates.keys()], [name])
    await open(name)
  }
  t.strictSame((await client.answers()).map(({ text }) => text), ['/slow?a', '/slow?b', '/slow?c'])
})

t.test('fifty may wait on a connection, and one more ends it', async (t) => {
  const health = request('GET /health HTTP/1.1', [HOST])
  const patient = rawClient(port)
  patient.write(slow('first') + health.repeat(49) + request('GET /health HTTP/1.1', [HOST, 'Connection: close']))
  await open('first')
  t.equal((await patient.answers()).length, 51)
  log.chunks.length = 0
  const greedy = rawClient(port)
  greedy.write(slow('first') + health.repeat(300))
  t.strictSame(await greedy.answers(), [])
  await until('all that were let in are in the log', () => goneInLog().length > 51)
  t.equal(goneInLog().length, 52, 'those that were let in are in the log, the rest is not')
  await open('first')
})

t.test('a request whose client goes before its turn is a line of the log, once', async (t) => {
  log.chunks.length = 0
  const client = rawClient(port)
  client.write(slow('one') + slow('two') + slow('three'))
  await until('it is begun', () => gates.has('one'))
  client.reset()
  await until('all three are in the log', () => goneInLog().length === 3)
  await open('one')
  await sleep(20)
  t.strictSame(goneInLog(), ['one', 'two', 'three'])
  t.strictSame([...gates.keys()], [], 'and is not begun any more')
})

t.test('a broken request behind others is not taken for their answer', async (t) => {
  for (const broken of ['hello\r\n\r\n', request('GET /%zz HTTP/1.1', [HOST]), request('GET / HTTP/1.1', [HOST, 'Expect: a miracle'])]) {
    t.strictSame(await exchange(port, slow('good') + broken), [], broken)
    await open('good')
  }
})

/** An application that waits for its clients as long as the given milliseconds. */
async function impatient (t: Test, timeout: number) {
  const there = await startApp(t, { database: db, settings: { LOG_LEVEL: 'info' }, output: log, prepare })
  there.app.server.timeout = timeout
  return listen(there.app)
}

t.test('who reads nothing is cut, whatever else is sent, and is a line of the log', async (t) => {
  const there = await impatient(t, 100)
  for (const more of ['', slow('behind')]) {
    log.chunks.length = 0
    const client = rawClient(there)
    client.pause()
    client.write(FILE)
    const talk = setInterval(() => { client.write(more) }, 20)
    await until('it is in the log', () => goneInLog().includes('file'))
    clearInterval(talk)
    t.ok(goneInLog().includes('file'))
    client.end()
  }
})

t.test('a server that takes its time, and a client between two requests, are not cut', async (t) => {
  const there = await impatient(t, 50)
  const client = rawClient(there)
  client.write(slow('long'))
  await until('it is begun', () => gates.has('long'))
  await sleep(200)
  await open('long')
  await client.more()
  await sleep(200)
  client.write(request('GET /health HTTP/1.1', [HOST, 'Connection: close']))
  t.strictSame((await client.answers()).map(({ status }) => status), [200, 200])
  t.equal((await call('GET', '/health')).status, 200)
})

t.test('who has asked nothing yet, and who waits for the server itself, is not cut for silence', async (t) => {
  const { timeout } = app.server
  t.teardown(() => { app.server.timeout = timeout })
  app.server.timeout = 50
  const client = rawClient(port)
  await once(app.server, 'timeout')
  client.write(request('GET /slow?long HTTP/1.1', [HOST, 'Connection: close']))
  await once(app.server, 'timeout')
  await open('long')
  t.strictSame((await client.answers()).map(({ text }) => text), ['/slow?long'])
})

t.test('a connection on which nothing more is asked is closed in the end', async (t) => {
  const { keepAliveTimeout } = app.server
  t.teardown(() => { app.server.keepAliveTimeout = keepAliveTimeout })
  app.server.keepAliveTimeout = 50
  t.strictSame((await exchange(port, request('GET /health HTTP/1.1', [HOST]))).map(({ status }) => status), [200])
})

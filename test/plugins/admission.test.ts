import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PASSWORD, startApp } from '../helper.js'
import { listen, rawClient, request } from '../support/raw.js'
import { until } from '../support/until.js'

const PLACES = 3

/** What a hook holds back that is slow. */
const early: ServerResponse[] = []
let isSlow = false

const { app, call, signUp } = await startApp(t, {
  settings: { MAX_CONCURRENT_REQUESTS: String(PLACES), HASH_THREADS: '1', HASH_QUEUE: '1' },
  prepare (app) {
    app.addHook('preValidation', async (_request, { raw }) => {
      if (!isSlow) return
      early.push(raw)
      await once(raw, 'close')
    })
  }
})

const port = await listen(app)
const { token } = await signUp()

const HOST = 'Host: localhost'
const AUTH = `Authorization: Bearer ${token}`
const list = request('GET /api/tasks HTTP/1.1', [HOST, AUTH])
const stranger = request('GET /api/tasks HTTP/1.1', [HOST])
/** More than what the system takes from a server for a client that reads nothing. */
const file = request('GET /docs/static/swagger-ui-bundle.js HTTP/1.1', [HOST]).repeat(8)
const login = (() => {
  const body = JSON.stringify({ email: 'nobody@example.com', password: PASSWORD })
  return request('POST /api/auth/login HTTP/1.1', [HOST, 'Content-Type: application/json', `Content-Length: ${body.length}`], body)
})()

/** A client that sends and does not read. */
function deaf (bytes: string) {
  const client = rawClient(port)
  client.pause()
  client.write(bytes)
  return client
}

const statuses = async (count: number, method: string, url: string, options: object) =>
  (await Promise.all(Array.from({ length: count }, async () => call(method, url, options)))).map(({ status }) => status)

/** Nobody has a place, and as many as there are for are served at a time. */
async function allAreFree (t: Test): Promise<void> {
  t.strictSame([app.places.requests.count(), app.places.hashes.count()], [0, 0])
  t.strictSame(await statuses(PLACES, 'GET', '/api/tasks', { token }), Array(PLACES).fill(200))
  t.strictSame(await statuses(2, 'POST', '/api/auth/login', { body: { email: 'nobody@example.com', password: PASSWORD } }), [401, 401])
}

t.test('who sends many requests on a connection, reads nothing and resets it takes no place along', async (t) => {
  for (const requests of [list, stranger, login]) {
    const client = deaf(file + requests.repeat(20))
    await sleep(200)
    client.reset()
    await client.closed
  }
  await sleep(50)
  await allAreFree(t)
})

t.test('who reads nothing has no place meanwhile', async (t) => {
  const clients = [list, stranger, login].flatMap((bytes) => [deaf(file + bytes.repeat(20)), deaf(file + bytes)])
  await sleep(200)
  await allAreFree(t)
  // What waits on them would else get its turn among the requests of the next test.
  for (const client of clients) client.reset()
  await Promise.all(clients.map(async ({ closed }) => closed))
})

t.test('who leaves while a hook waits for something takes no place along', async (t) => {
  isSlow = true
  const clients = Array.from({ length: 10 }, () => rawClient(port))
  for (const client of clients) client.write(login)
  // All of them: one that the server meets later would take a place that has become free.
  const refused = () => clients.filter((client) => client.received().length > 0).length
  await until('as many wait as there are places, and the others are refused', () =>
    early.length === PLACES && refused() === clients.length - PLACES)
  isSlow = false
  for (const client of clients) client.reset()
  await Promise.all(early.map(async (raw) => raw.destroyed || once(raw, 'close')))
  await sleep(50)
  await allAreFree(t)
})

t.test('half a body has no place', async (t) => {
  const clients = Array.from({ length: 2 * PLACES }, () => rawClient(port))
  for (const client of clients) client.write(request('POST /api/tasks HTTP/1.1', [HOST, AUTH, 'Content-Type: application/json', 'Content-Length: 99'], '{'))
  await sleep(100)
  await allAreFree(t)
  for (const client of clients) client.end()
})

t.test('so many requests of the API are served at a time as the setting says, and the others get 503 before anything else', async (t) => {
  const narrow = await startApp(t, { settings: { MAX_CONCURRENT_REQUESTS: '3' } })
  const { token } = await narrow.signUp()
  const atOnce = async (count: number) => Promise.all(Array.from({ length: count }, async () => narrow.call('GET', '/api/tasks', { token })))
  for (const answers of [await atOnce(5), await atOnce(5)]) {
    t.strictSame(answers.map(({ status }) => status), [200, 200, 200, 503, 503])
    for (const { headers, body } of answers.slice(3)) {
      t.strictSame(body, { detail: 'Service unavailable', status_code: 503 })
      t.equal(headers['retry-after'], '2')
    }
  }
  const full = atOnce(3)
  t.equal((await narrow.call('POST', '/api/auth/login', { body: '{' })).status, 503)
  t.equal((await narrow.call('GET', '/health')).status, 200, 'what is outside of the API does not count')
  t.strictSame((await full).map(({ status }) => status), [200, 200, 200])
})

t.test('two hundred at a time are ordinary', async (t) => {
  const { call, signUp } = await startApp(t)
  const { token } = await signUp()
  const answers = await Promise.all(Array.from({ length: 200 }, async () => call('GET', '/api/tasks', { token })))
  t.ok(answers.every(({ status }) => status === 200))
})

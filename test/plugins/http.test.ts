import type { Server } from 'node:http'
import t from 'tap'
import { startApp } from '../helper.js'
import { BODY, CHUNKED, chunks, CLOSE, echo, echoServer, HOST, isRefusal, JSON_TYPE, prepare } from '../support/echo.js'
import { exchange, listen, rawClient, request } from '../support/raw.js'

const { call, db, port } = await echoServer(t)

const served: Record<string, [bytes: string, status: number, body: object]> = {
  'HTTP/1.0 without Host': [request('GET /health HTTP/1.0', []), 200, { status: 'healthy' }],
  'HTTP/1.0 with an expectation, which it does not have': [request('GET /health HTTP/1.0', ['Expect: a miracle']), 200, { status: 'healthy' }],
  'HTTP/1.1 with an empty Host': [request('GET /health HTTP/1.1', ['Host:', CLOSE]), 200, { status: 'healthy' }],
  'an absolute URL': [request('GET http://localhost/health HTTP/1.1', [HOST, CLOSE]), 200, { status: 'healthy' }],
  'a body in one piece': [echo('Content-Length: 7', CLOSE), 200, { body: { a: 1 } }],
  'a body in chunks': [chunks('3', '{"a', '4', '":1}', '0', 'X: y', '', ''), 200, { body: { a: 1 } }],
  'an offer to speak HTTP/2': [request('GET /health HTTP/1.1', [HOST, 'Upgrade: h2c', 'Connection: Upgrade, close']), 200, { status: 'healthy' }],
  'a GET with a body': [request('GET /health HTTP/1.1', [HOST, 'Content-Length: 7', CLOSE], BODY), 200, { status: 'healthy' }],
  'dot segments in the path': [request('GET /api/../health HTTP/1.1', [HOST, CLOSE]), 404, { status_code: 404 }],
  'OPTIONS of the whole server': [request('OPTIONS * HTTP/1.1', [HOST, CLOSE]), 405, { status_code: 405 }],
  'a fragment in the URL': [request('GET /health#top HTTP/1.1', [HOST, CLOSE]), 200, { status: 'healthy' }]
}

for (const [what, [bytes, status, body]] of Object.entries(served)) {
  t.test(`${what} gets its answer`, async (t) => {
    const [answer, ...others] = await exchange(port, bytes)
    t.equal(answer?.status, status)
    t.match(JSON.parse(answer!.text), body)
    t.strictSame(others, [])
  })
}

t.test('Expect: 100-continue is told to go on, and then answered', async (t) => {
  const client = rawClient(port)
  client.write(request('POST /echo HTTP/1.1', [HOST, JSON_TYPE, 'Content-Length: 7', 'Expect: 100-continue', CLOSE]))
  await client.more()
  t.equal(client.received().toString(), 'HTTP/1.1 100 Continue\r\n\r\n')
  client.write(BODY)
  const [, answer, ...others] = await client.answers()
  t.strictSame([answer?.status, answer?.text, others], [200, '{"body":{"a":1}}', []])
})

t.test('HTTP/0.9, which has no headers, never gets more than one answer', async (t) => {
  const answers = await exchange(port, 'GET /health\r\n\r\n')
  t.equal(answers.length, 1)
  t.ok([200, 400].includes(answers[0]!.status))
})

t.test('CONNECT is no way through: the connection ends', async (t) => {
  const answers = await exchange(port, request('CONNECT example.com:443 HTTP/1.1', ['Host: example.com:443']))
  t.strictSame(answers.filter(({ status }) => status < 400), [])
  t.equal((await call('GET', '/health')).status, 200)
})

t.test('a body that breaks off after its answer gets no second one', async (t) => {
  const client = rawClient(port)
  client.write(request('POST /api/tasks HTTP/1.1', [HOST, JSON_TYPE, CHUNKED]))
  await client.more()
  client.write('no chunk\r\n')
  t.strictSame((await client.answers()).map(({ status }) => status), [401])
})

t.test('a broken request behind a file on its way does not end up inside the file', async (t) => {
  const { text } = await call('GET', '/docs/static/swagger-ui-bundle.js')
  const client = rawClient(port)
  client.write(request('GET /docs/static/swagger-ui-bundle.js HTTP/1.1', [HOST]))
  await client.more()
  client.write('hello\r\n\r\n')
  await client.closed
  const received = client.received().toString()
  const file = received.slice(received.indexOf('\r\n\r\n') + 4).slice(0, text.length)
  t.ok(text.startsWith(file), 'what came is the file, or its beginning')
})

t.test('a file that cannot be had is no bug of the server', async (t) => {
  const get = (path: string, ...headers: string[]) => exchange(port, request(`GET /docs/static/${path} HTTP/1.1`, [HOST, CLOSE, ...headers]))
  for (const path of ['../../package.json', '..', './swagger-ui.css', '/swagger-ui.css', '%00', 'a%00b', 'a'.repeat(5000)]) {
    const [answer] = await get(path)
    t.strictSame([answer?.status, JSON.parse(answer!.text)], [404, { detail: 'Not found', status_code: 404 }], path.slice(0, 80))
  }
  for (const header of ['Range: bytes=99999999999-', 'If-Match: "another"', 'If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT']) {
    const [answer] = await get('swagger-ui.css', header)
    t.ok(answer!.status < 500, header)
    t.equal(JSON.parse(answer!.text).status_code, answer!.status)
  }
})

t.test('a client that goes away does no harm', async (t) => {
  for (const bytes of ['', 'GET', request('GET /health HTTP/1.1', [HOST]), echo('Content-Length: 9000')]) {
    const client = rawClient(port)
    client.write(bytes)
    client.end()
    await client.closed
    t.equal((await call('GET', '/health')).status, 200)
  }
})

t.test('a client that never finishes its request is told so', async (t) => {
  const impatient = await startApp(t, { ...prepare, database: db })
  const { server } = impatient.app as unknown as { server: Server & { connectionsCheckingInterval: number } }
  t.ok(server.headersTimeout > 0 && server.headersTimeout <= 10_000, 'headers within 10 s')
  t.ok(server.requestTimeout > 0 && server.requestTimeout <= 30_000, 'all of it within 30 s')
  t.equal(server.connectionsCheckingInterval, 5000, 'give or take 5 s')
  t.ok(server.keepAliveTimeout > 60_000, 'the next one after a minute, too')
  Object.assign(server, { headersTimeout: 50, requestTimeout: 50, connectionsCheckingInterval: 20 })
  const impatientPort = await listen(impatient.app)
  for (const bytes of [`GET /health HTTP/1.1\r\n${HOST}`, echo('Content-Length: 9')]) {
    const [answer, ...others] = await exchange(impatientPort, bytes)
    isRefusal(t, answer, 408)
    t.strictSame(others, [])
  }
})

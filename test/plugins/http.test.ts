import type { Server } from 'node:http'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startApp } from '../helper.js'
import { exchange, listen, rawClient, request, type RawAnswer } from '../support/raw.js'

/** Handlers of `GET /slow` wait for the next one of these. */
const gates: Array<() => void> = []

const prepare: Parameters<typeof startApp>[1] = {
  prepare (app) {
    app.post('/echo', { schema: { hide: true } }, async ({ body }) => ({ body: body ?? null }))
    app.get('/slow', { schema: { hide: true } }, async () => {
      await new Promise<void>((resolve) => { gates.push(resolve) })
      await app.db.ping()
      return { done: true }
    })
  }
}
const { app, call, db, signUp } = await startApp(t, prepare)
const port = await listen(app)

const HOST = 'Host: localhost'
const JSON_TYPE = 'Content-Type: application/json'
const CLOSE = 'Connection: close'
const CHUNKED = 'Transfer-Encoding: chunked'
const BODY = '{"a":1}'
const echo = (...headers: string[]) => request('POST /echo HTTP/1.1', [HOST, JSON_TYPE, ...headers], BODY)
const chunks = (...lines: string[]) => request('POST /echo HTTP/1.1', [HOST, JSON_TYPE, CLOSE, 'Transfer-Encoding: chunked'], lines.join('\r\n'))
/** No chunks, and then a request that whoever goes by the length or by the chunks alone would see as one of its own. */
const hiding = (...headers: string[]) => request('POST /echo HTTP/1.1', [HOST, JSON_TYPE, ...headers], `0\r\n\r\n${request('GET /health HTTP/1.1', [HOST])}`)

const texts: Record<number, string> = {
  400: 'Malformed request',
  408: 'Request timeout',
  413: 'Request body too large',
  417: 'Expectation failed',
  431: 'Request header fields too large'
}

/** An error answer has the one shape, whoever gave it, and the connection ends with it. */
function isRefusal (t: Test, answer: RawAnswer | undefined, status: number): void {
  t.match(answer, {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': /^\d+$/,
      'x-request-id': /^[\w.-]{1,64}$/,
      'x-content-type-options': 'nosniff',
      connection: 'close'
    }
  })
  t.strictSame(JSON.parse(answer!.text), { detail: texts[status], status_code: status })
}

const refused: Record<string, [status: number, bytes: string | Buffer]> = {
  'HTTP/1.1 without Host': [400, request('GET /nope HTTP/1.1', [CLOSE])],
  'HTTP/1.1 without Host, with a body': [400, request('POST /echo HTTP/1.1', [JSON_TYPE, 'Content-Length: 7', CLOSE], BODY)],
  'two Hosts': [400, request('GET /health HTTP/1.1', [HOST, 'Host: example.com', CLOSE])],
  'a Host twice': [400, request('GET /health HTTP/1.1', [HOST, 'host: localhost', CLOSE])],
  'HTTP/1.0 with two Hosts': [400, request('GET /health HTTP/1.0', [HOST, HOST])],
  'a GET of the whole server': [400, request('GET * HTTP/1.1', [HOST, CLOSE])],
  'an expectation that nobody knows': [417, request('GET /health HTTP/1.1', [HOST, 'Expect: a miracle'])],
  'an expectation that nobody knows, with a body': [417, echo('Expect: 200-ok', 'Content-Length: 7')],
  'a header of 20 KB': [431, request('GET /health HTTP/1.1', [HOST, `X-Long: ${'a'.repeat(20_000)}`])],
  '3,000 headers': [431, request('GET /health HTTP/1.1', [HOST, ...Array.from({ length: 3000 }, (_, index) => `X-${index}: y`)])],
  'a URL of 20 KB': [431, request(`GET /${'a'.repeat(20_000)} HTTP/1.1`, [HOST])],
  'a chunk extension of 20 KB': [413, chunks(`7;${'a'.repeat(20_000)}`, BODY, '0', '', '')],
  'a line that is no request': [400, 'hello\r\n\r\n'],
  'zero bytes': [400, Buffer.alloc(64)],
  'a TLS hello': [400, Buffer.from('16030100f1010000ed0303', 'hex')],
  'an HTTP/2 preface': [400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'a method that does not exist': [400, request('FROB /health HTTP/1.1', [HOST])],
  'a method in lower case': [400, request('get /health HTTP/1.1', [HOST])],
  'a version that does not exist': [400, request('GET /health HTTP/1.7', [HOST])],
  'a space in the URL': [400, request('GET /health or not HTTP/1.1', [HOST])],
  'a URL without a slash': [400, request('GET health HTTP/1.1', [HOST])],
  'raw UTF-8 in the URL': [400, request('GET /caf\u00e9 HTTP/1.1', [HOST, CLOSE])],
  'two lengths that differ': [400, echo('Content-Length: 7', 'Content-Length: 8')],
  'a length twice': [400, echo('Content-Length: 7', 'Content-Length: 7')],
  'a negative length': [400, echo('Content-Length: -1')],
  'a length with a sign': [400, echo('Content-Length: +7')],
  'a length that is empty': [400, echo('Content-Length:')],
  'a length of two in one': [400, echo('Content-Length: 7, 7')],
  'a length beyond all numbers': [400, echo('Content-Length: 99999999999999999999')],
  'a length and chunks': [400, echo('Content-Length: 7', CHUNKED)],
  'chunks and a length': [400, echo(CHUNKED, 'Content-Length: 7')],
  'a request behind the chunks of one with a length': [400, hiding('Content-Length: 5', CHUNKED)],
  'a request behind the length of one with chunks': [400, hiding(CHUNKED, 'Content-Length: 5')],
  'a request behind one that is chunked twice': [400, hiding(CHUNKED, CHUNKED)],
  'a request behind one that is chunked and not': [400, hiding(CHUNKED, 'Transfer-Encoding: identity')],
  'a length in the trailer': [400, chunks('7', BODY, '0', 'Content-Length: 5', '', '')],
  'a request behind the chunks of HTTP/1.0, which has none': [400, hiding(CHUNKED).replace('HTTP/1.1', 'HTTP/1.0')],
  'a transfer coding that is not chunked': [400, echo('Transfer-Encoding: gzip')],
  'chunked, and something after it': [400, echo('Transfer-Encoding: chunked, gzip')],
  'chunked, and a tab before it': [400, hiding('Content-Length: 5', 'Transfer-Encoding:\tchunked')],
  'chunked, and a vertical tab before it': [400, hiding('Content-Length: 5', 'Transfer-Encoding: \vchunked')],
  'something like chunked': [400, hiding('Content-Length: 5', 'Transfer-Encoding: xchunked')],
  'lines that end in LF alone': [400, `GET /health HTTP/1.1\n${HOST}\n\n`],
  'one header line that ends in LF alone': [400, `GET /health HTTP/1.1\r\n${HOST}\nX: y\r\n\r\n`],
  'a CR inside a header line': [400, `GET /health HTTP/1.1\r\n${HOST}\rX: y\r\n\r\n`],
  'a chunk size that is no number': [400, chunks('zz', BODY, '0', '', '')],
  'a chunk size beyond all numbers': [400, chunks('fffffffffffffffff', BODY, '0', '', '')],
  'a chunk size behind a space': [400, chunks(' 7', BODY, '0', '', '')],
  'a chunk size that ends in LF alone': [400, chunks(`7\n${BODY}`, '0', '', '')],
  'a chunk longer than it says': [400, chunks('3', BODY, '0', '', '')],
  'lines that end in CR alone': [400, `GET /health HTTP/1.1\r${HOST}\r\r`],
  'U+0000 in the URL': [400, request('GET /hea\0lth HTTP/1.1', [HOST])],
  'U+0000 in a header': [400, request('GET /health HTTP/1.1', [HOST, 'X: a\0b'])],
  'a space in a header name': [400, request('GET /health HTTP/1.1', [HOST, 'X y: z'])],
  'a space before the colon': [400, request('GET /health HTTP/1.1', ['Host : localhost'])],
  'a control character in a header name': [400, request('GET /health HTTP/1.1', [HOST, 'X\u0001: y'])],
  'a header without a colon': [400, request('GET /health HTTP/1.1', [HOST, 'X'])],
  'a header over two lines': [400, request('GET /health HTTP/1.1', [HOST, 'X: y', ' z'])]
}

for (const [what, [status, bytes]] of Object.entries(refused)) {
  t.test(`${what} is ${status}, once, in the shape of every error`, async (t) => {
    const [answer, ...others] = await exchange(port, bytes)
    isRefusal(t, answer, status)
    t.strictSame(others, [])
    t.equal((await call('GET', '/health')).status, 200)
  })
}

t.test('a broken request after a good one on a connection has an answer of its own', async (t) => {
  const client = rawClient(port)
  client.write(request('GET /health HTTP/1.1', [HOST]))
  await client.more()
  client.write('hello\r\n\r\n')
  const [good, broken, ...others] = await client.answers()
  t.strictSame([good?.status, good?.text], [200, '{"status":"healthy"}'])
  isRefusal(t, broken, 400)
  t.strictSame(others, [])
})

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

t.test('so many requests of the API are served at a time as the setting says, and the others get 503 before anything else', async (t) => {
  const narrow = await startApp(t, { ...prepare, database: db, settings: { MAX_CONCURRENT_REQUESTS: '3' } })
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
  const { token } = await signUp()
  const answers = await Promise.all(Array.from({ length: 200 }, async () => call('GET', '/api/tasks', { token })))
  t.ok(answers.every(({ status }) => status === 200))
})

t.test('requests in flight are finished on close, and nobody new is let in', async (t) => {
  const closing = await startApp(t, prepare)
  const closingPort = await listen(closing.app)
  const idle = rawClient(closingPort)
  idle.write(request('GET /health HTTP/1.1', [HOST]))
  await idle.more()
  const half = rawClient(closingPort)
  half.write(`GET /health HTTP/1.1\r\n${HOST}\r\n`)
  const busy = rawClient(closingPort)
  busy.write(request('GET /slow HTTP/1.1', [HOST]))
  for (let tries = 0; gates.length === 0 && tries < 500; tries++) await setTimeout(5)
  const closed = closing.app.close()
  await idle.closed
  const late = connect(closingPort, '127.0.0.1')
  const refusal = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    late.on('error', resolve).on('connect', () => { resolve(null) })
  })
  t.equal(refusal?.code, 'ECONNREFUSED')
  half.write('\r\n')
  gates.pop()!()
  for (const [client, text] of [[busy, '{"done":true}'], [half, '{"status":"healthy"}']] as const) {
    const [answer, ...others] = await client.answers()
    t.strictSame([answer?.status, answer?.text, answer?.headers.connection], [200, text, 'close'])
    t.strictSame(others, [])
  }
  await closed
})

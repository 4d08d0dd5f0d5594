import t from 'tap'
import { BODY, CHUNKED, chunks, CLOSE, echo, echoServer, hiding, HOST, isRefusal, JSON_TYPE } from '../support/echo.js'
import { exchange, rawClient, request } from '../support/raw.js'

const { call, port } = await echoServer(t)

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

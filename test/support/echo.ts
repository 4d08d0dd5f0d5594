import type { Test } from 'tap'
import { startApp } from '../helper.js'
import { listen, request, type RawAnswer } from './raw.js'

export const prepare: Parameters<typeof startApp>[1] = {
  prepare (app) {
    app.post('/echo', { schema: { hide: true } }, async ({ body }) => ({ body: body ?? null }))
  }
}

/** An application on a port that says what it was sent, for `POST /echo`. */
export async function echoServer (t: Test) {
  const app = await startApp(t, prepare)
  return { ...app, port: await listen(app.app) }
}

export const HOST = 'Host: localhost'
export const JSON_TYPE = 'Content-Type: application/json'
export const CLOSE = 'Connection: close'
export const CHUNKED = 'Transfer-Encoding: chunked'
export const BODY = '{"a":1}'
export const echo = (...headers: string[]) => request('POST /echo HTTP/1.1', [HOST, JSON_TYPE, ...headers], BODY)
export const chunks = (...lines: string[]) => request('POST /echo HTTP/1.1', [HOST, JSON_TYPE, CLOSE, 'Transfer-Encoding: chunked'], lines.join('\r\n'))
/** No chunks, and then a request that whoever goes by the length or by the chunks alone would see as one of its own. */
export const hiding = (...headers: string[]) => request('POST /echo HTTP/1.1', [HOST, JSON_TYPE, ...headers], `0\r\n\r\n${request('GET /health HTTP/1.1', [HOST])}`)

const texts: Record<number, string> = {
  400: 'Malformed request',
  408: 'Request timeout',
  413: 'Request body too large',
  417: 'Expectation failed',
  431: 'Request header fields too large'
}

/** An error answer has the one shape, whoever gave it, and the connection ends with it. */
export function isRefusal (t: Test, answer: RawAnswer | undefined, status: number): void {
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

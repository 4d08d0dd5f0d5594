import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../errors/catalogue.js'
import { answerFor, answerTo } from '../errors/render.js'
import { requestLog } from '../log/request-log.js'
import { answerOn } from './latest-answer.js'
import { newRequestId } from './request-id.js'

/* Errors of what never becomes a request: no hook and no error handler of Fastify sees it. */

/** Headers of answers that are sent past all plugins. */
export const rawHeaders = (body: string) => ({
  'content-type': 'application/json; charset=utf-8',
  'content-length': Buffer.byteLength(body),
  'x-request-id': newRequestId(),
  'x-content-type-options': 'nosniff',
  connection: 'close'
})

/** Error codes of Node's HTTP parser and what they mean. Any other one is a malformed message: 400. */
const PARSER_ERRORS: Record<string, ErrorCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'BODY_TOO_LARGE',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE'
}

/** Answers a malformed message on the socket itself and closes it, because the bytes that follow cannot be trusted. */
export function clientErrorHandler (error: NodeJS.ErrnoException, socket: Socket): void {
  // Half of an answer is out, or the whole one of a request that is still coming, or a request before waits for its own (but
  // HTTP/1.0, which has no chunks, for the one about them): nothing more can be said.
  const latest = answerOn(socket)
  const isAnswered = latest && (latest.headersSent
    ? !(latest.writableFinished && latest.req.complete)
    : latest.req.complete && latest.req.httpVersion === '1.1')
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswered) {
    socket.destroy()
    return
  }
  const answer = answerFor(PARSER_ERRORS[String(error.code)] ?? 'MALFORMED_REQUEST')
  const body = JSON.stringify(answer)
  const headers = Object.entries(rawHeaders(body)).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${answer.status_code} ${STATUS_CODES[answer.status_code]}\r\n${headers}\r\n${body}`)
}

/** Answers a URL that the router cannot read. No hook has run, so the request's id is set here. It does not wait for a turn. */
export function frameworkErrors (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  if (!reply.raw.socket) request.raw.socket.destroy()
  const answer = answerTo(error)
  reply.code(answer.status_code).headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' }).send(answer)
  requestLog.requestCompleted(null, request, reply)
}

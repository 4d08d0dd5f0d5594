import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import findMyWay from 'find-my-way'
import { DatabaseUnavailable } from '../db/errors.js'
import { InvalidCredentials, MalformedRequest, MethodNotAllowed, RouteNotFound, ValidationFailed, type Overloaded } from '../errors.js'
import { errorTexts, type ErrorAnswer, type ValidationError } from '../schemas/errors.js'
import { newRequestId, requestLog } from './requests.js'
import { answerOn } from './turns.js'

/** Seconds after which a client of a 503 may try again: an outage that ends is noticed within about one. */
const RETRY_AFTER = 2

/** Milliseconds between two lines about the same trouble. */
const TROUBLE_LOG_INTERVAL = 1000

/** What the log says of a 503, by its code, when it is not the database's. */
const TROUBLES: Record<string, string> = { TODO_OVERLOADED: 'overloaded', TODO_STOPPING: 'stopping' }

/** An error in the shape that a client sees. Anything unknown is a bug, and its text stays here. */
export function answerOf (error: Partial<FastifyError> | null | undefined): ErrorAnswer | ValidationError {
  if (error instanceof ValidationFailed) return { detail: error.issues, status_code: 422 }
  if (error instanceof DatabaseUnavailable) return textOf(503)
  const status = error?.statusCode ?? 500
  if (error?.code?.startsWith('TODO_')) return { detail: error.message!, status_code: status }
  // A file that must not be had does not exist.
  if (status === 403 || status === 404) return { detail: 'Not found', status_code: 404 }
  // Fastify's own errors, such as an oversized body. Their texts quote the request.
  return textOf(status in errorTexts ? status : status >= 400 && status < 500 ? 400 : 500)
}

const textOf = (status: number): ErrorAnswer =>
  ({ detail: errorTexts[status as keyof typeof errorTexts][0], status_code: status })

/**
 * One shape for every error, from whatever layer: hooks, parsers, validation, handlers, serializers, the router,
 * and the HTTP server itself.
 */
export const errorsPlugin = fp(async (app) => {
  const methodsOf = watchRoutes(app)
  const isTimeToLog = every(TROUBLE_LOG_INTERVAL)

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const answer = answerOf(error)
    if (answer.status_code === 500) request.log.error({ err: error }, 'request failed')
    if (answer.status_code === 503) {
      reply.header('retry-after', RETRY_AFTER)
      const trouble = TROUBLES[error.code] ?? 'database unavailable'
      const { queue } = error as Partial<Overloaded>
      // For a client that has gone nothing is done: that is no trouble.
      if (!reply.raw.destroyed && isTimeToLog(`${trouble} ${queue}`)) request.log.warn({ reason: error.message, queue }, trouble)
    }
    if (answer.status_code === 401) reply.header('www-authenticate', challengeOf(error))
    return reply.code(answer.status_code).send(answer)
  })

  const missed = (request: FastifyRequest, reply: FastifyReply): Error => {
    const allow = methodsOf(request.url)
    // A file that is not there is asked for with a method that works.
    if (!allow || allow.split(', ').includes(request.method)) return new RouteNotFound()
    reply.header('allow', allow)
    return new MethodNotAllowed()
  }

  app.setNotFoundHandler((request, reply) => { throw missed(request, reply) })

  // Node answers an unknown expectation itself, with an empty body (RFC 9110 §10.1.1).
  app.server.on('checkExpectation', ({ socket }, response) => {
    if (!response.socket) return socket.destroy()
    const body = JSON.stringify(textOf(417))
    response.writeHead(417, { ...rawHeaders(body) }).end(body)
  })

  app.addHook('preParsing', ({ raw }, _reply, _payload, done) => { done(isMalformed(raw) ? new MalformedRequest() : undefined) })

  // The route is decided before the body is read.
  app.addHook('preParsing', (request, reply, _payload, done) => {
    done(request.is404 ? missed(request, reply) : undefined)
  })
}, { name: 'errors' })

/**
 * What Node lets through, or would refuse with an empty body: HTTP/1.1 wants one Host, and none may come twice (RFC 9112 §3.2);
 * `*` is for OPTIONS (§3.2.4), and the router would take it for `/`.
 */
function isMalformed ({ httpVersion, method, rawHeaders: fields, url }: IncomingMessage): boolean {
  let hosts = 0
  for (let at = 0; at < fields.length; at += 2) if (fields[at]!.length === 4 && fields[at]!.toLowerCase() === 'host') hosts++
  return hosts > 1 || (hosts === 0 && httpVersion === '1.1') || (url === '*' && method !== 'OPTIONS')
}

/** `error="invalid_token"` only when there was a token (RFC 6750 §3.1). */
const challengeOf = (error: Error) => error instanceof InvalidCredentials ? 'Bearer error="invalid_token"' : 'Bearer'

/**
 * Learns every route, to tell an unknown path from a known one with another method.
 * @returns the `Allow` of the path of a URL, or null when nothing is there
 */
function watchRoutes (app: FastifyInstance): (url: string) => string | null {
  const router = findMyWay({ maxParamLength: Number.MAX_SAFE_INTEGER })
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set()
    if (known.size === 0) router.on('GET', url, () => {}, known)
    methods.set(url, known)
    for (const name of [method].flat()) known.add(name)
  })
  return (url) => {
    const known = router.find('GET', url)?.store as Set<string> | undefined
    return known ? [...known].sort().join(', ') : null
  }
}

/** @returns a function that says yes to each text at most once in an interval, given in milliseconds */
function every (interval: number): (text: string) => boolean {
  const next = new Map<string, number>()
  return (text) => {
    if (Date.now() < (next.get(text) ?? 0)) return false
    next.set(text, Date.now() + interval)
    return true
  }
}

/** Headers of an answer that no plugin has seen. */
const rawHeaders = (body: string) => ({
  'content-type': 'application/json; charset=utf-8',
  'content-length': Buffer.byteLength(body),
  'x-request-id': newRequestId(),
  'x-content-type-options': 'nosniff',
  connection: 'close'
})

/** What Node's HTTP parser refuses, by its code. The rest is a broken message: 400. */
const PARSER_STATUS: Record<string, number> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431
}

/** Answers what never became a request, on the bare socket, and closes it: what follows on it cannot be trusted. */
export function clientErrorHandler (error: NodeJS.ErrnoException, socket: Socket): void {
  // Half of an answer is out, or the whole one of a request that is still coming, or a request before waits for its own (but
  // HTTP/1.0, which has no chunks, for the one about them): nothing more can be said.
  const answer = answerOn(socket)
  const isAnswered = answer && (answer.headersSent
    ? !(answer.writableFinished && answer.req.complete)
    : answer.req.complete && answer.req.httpVersion === '1.1')
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswered) {
    socket.destroy()
    return
  }
  const status = PARSER_STATUS[String(error.code)] ?? 400
  const body = JSON.stringify(textOf(status))
  const headers = Object.entries(rawHeaders(body)).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}\r\n${body}`)
}

/** Answers a URL that the router cannot read. No hook has run, so the request's id is set here. It does not wait for a turn. */
export function frameworkErrors (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  if (!reply.raw.socket) request.raw.socket.destroy()
  const answer = answerOf(error)
  reply.code(answer.status_code).headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' }).send(answer)
  requestLog.requestCompleted(null, request, reply)
}

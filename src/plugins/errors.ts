import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError, type Overloaded } from '../errors/api-error.js'
import type { ErrorCode } from '../errors/catalogue.js'
import { answerFor, answerTo, codeOf } from '../errors/render.js'
import { watchRoutes } from '../http/allow.js'
import { rawHeaders } from '../http/early-errors.js'
import { isMalformed } from '../http/malformed.js'
import { throttle } from '../log/throttle.js'

/** Seconds after which a client may try again after a 503: the end of an outage is noticed within about one. */
const RETRY_AFTER = 2

/** Milliseconds between two log lines about the same problem. */
const TROUBLE_LOG_INTERVAL = 1000

/** What the log says of a 503, and the metrics, which have the queue of what is full. */
const TROUBLES: Partial<Record<ErrorCode, string>> = {
  DATABASE_UNAVAILABLE: 'database unavailable', OVERLOADED: 'overloaded', MAIL_UNAVAILABLE: 'no mail server', STOPPING: 'stopping'
}

/**
 * One shape for every error, from whatever layer: hooks, parsers, validation, handlers, serializers, the router,
 * and the HTTP server itself.
 * @param options `onShed` is told why an answer is 503: the queue that is full, or what the log says
 */
export const errorsPlugin = fp<{ onShed: (reason: string) => void }>(async (app, { onShed }) => {
  const methodsOf = watchRoutes(app)
  const isTimeToLog = throttle(TROUBLE_LOG_INTERVAL)

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const answer = answerTo(error)
    if (answer.status_code === 500) request.log.error({ err: error }, 'request failed')
    if (answer.status_code === 503) {
      reply.header('retry-after', RETRY_AFTER)
      const trouble = TROUBLES[codeOf(error)]!
      const { queue } = error as Partial<Overloaded>
      // Refusing work for a client that has gone is normal and not worth a line.
      if (!reply.raw.destroyed) {
        onShed(queue ?? trouble)
        if (isTimeToLog(`${trouble} ${queue}`)) request.log.warn({ reason: error.message, queue }, trouble)
      }
    }
    if (answer.status_code === 401) reply.header('www-authenticate', challengeOf(error))
    return reply.code(answer.status_code).send(answer)
  })

  const missed = (request: FastifyRequest, reply: FastifyReply): Error => {
    const allow = methodsOf(request.url)
    // A missing file was requested with a supported method: 404, not 405.
    if (!allow || allow.split(', ').includes(request.method)) return new ApiError('ROUTE_NOT_FOUND')
    reply.header('allow', allow)
    return new ApiError('METHOD_NOT_ALLOWED')
  }

  app.setNotFoundHandler((request, reply) => { throw missed(request, reply) })

  // Node answers an unknown expectation itself, with an empty body (RFC 9110 §10.1.1).
  app.server.on('checkExpectation', ({ socket }, response) => {
    if (!response.socket) return socket.destroy()
    const body = JSON.stringify(answerFor('EXPECTATION_FAILED'))
    response.writeHead(417, { ...rawHeaders(body) }).end(body)
  })

  app.addHook('preParsing', ({ raw }, _reply, _payload, done) => { done(isMalformed(raw) ? new ApiError('MALFORMED_REQUEST') : undefined) })

  // The route is decided before the body is read.
  app.addHook('preParsing', (request, reply, _payload, done) => {
    done(request.is404 ? missed(request, reply) : undefined)
  })
}, { name: 'errors' })

/** `error="invalid_token"` only when there was a token (RFC 6750 §3.1). */
const challengeOf = (error: FastifyError) => codeOf(error) === 'INVALID_CREDENTIALS' ? 'Bearer error="invalid_token"' : 'Bearer'

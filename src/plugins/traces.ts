import fp from 'fastify-plugin'
import { methodOf, routeOf, statusOf } from '../http/observed.js'
import { pathOf } from '../log/request-log.js'
import type { RequestSpan, Traces } from '../traces/traces.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The trace that it belongs to, where there are traces. */
    span?: RequestSpan
  }
}

/**
 * Each request is a span, of the trace of whoever asks or of a new one. @fastify/otel was tried: it has no span of a request that
 * is broken off, the query in the path, and 4xx as errors.
 */
export const tracesPlugin = fp<{ traces: Traces }>(async (app, { traces }) => {
  app.decorateRequest('span')

  app.addHook('onRequest', (request, reply, done) => {
    const { headers } = request
    const span = traces.begin({ method: methodOf(request), route: routeOf(request), path: pathOf(request), headers })
    request.span = span
    reply.header('traceresponse', span.response)
    reply.raw.on('close', () => { span.end(statusOf(reply)) })
    span.within(done)
  })

  // After a body that came later it is the connection that goes on, which belongs to nobody.
  app.addHook('preValidation', (request, _reply, done) => { request.span!.within(done) })

  app.addHook('onSend', (request, _reply, payload, done) => {
    request.span!.leave()
    done(null, payload)
  })

  app.addHook('onClose', traces.close)
}, { name: 'traces', dependencies: ['turns'] })

import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { LogController, type FastifyReply, type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyRequest {
    /** It has its line in the log. */
    isLogged?: boolean
  }
}

/** An id that a client may choose: short, and nothing that could break a log line or a header. */
const CLIENT_ID = /^[A-Za-z0-9._-]{1,64}$/

export const newRequestId = (): string => randomUUID()

/** The id of a request: the client's own when it is fit, else a new one. */
export function genReqId ({ headers: { 'x-request-id': given } }: IncomingMessage): string {
  return typeof given === 'string' && CLIENT_ID.test(given) ? given : newRequestId()
}

const ABSOLUTE = /^https?:\/\/[^/?#]*/i

/** One line per request, once: who, what, how it ended. No query, header or body, which may carry a token or a password. */
export class RequestLog extends LogController {
  override incomingRequest (): void {}

  /** Of a stream: the line of its request tells. */
  override streamError (): void {}

  /** @param error of the connection, when the client went away before the answer was out */
  override requestCompleted (error: Error | null, request: FastifyRequest, reply: FastifyReply): void {
    if (request.isLogged) return
    request.isLogged = true
    request.log.info({
      method: request.method,
      // Whoever asks a server as a proxy names a host of their own (RFC 9112 §3.2.2), which is no part of the path.
      path: request.url.replace(ABSOLUTE, '').split('?', 1)[0],
      status: reply.statusCode,
      user: request.user?.sub,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      aborted: error ? true : undefined
    }, 'request')
  }
}

export const requestLog = new RequestLog()

/** Every answer carries its request's id. */
export const requestsPlugin = fp(async (app) => {
  app.decorateRequest('isLogged')
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    // Fastify logs nothing of a request whose client went away before the answer was out.
    reply.raw.once('close', () => { requestLog.requestCompleted(new Error('aborted'), request, reply) })
    done()
  })
}, { name: 'requests' })

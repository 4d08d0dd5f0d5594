import { LogController, type FastifyReply, type FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** It has its line in the log. */
    isLogged?: boolean
  }
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

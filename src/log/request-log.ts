import { LogController, type FastifyReply, type FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the request has been logged. */
    isLogged?: boolean
  }
}

/** The absolute form, which a client sends to a proxy, begins with a host (RFC 9112 §3.2.2), which is not part of the path. */
const ABSOLUTE = /^https?:\/\/[^/?#]*/i

/** @returns the path without the query */
export const pathOf = ({ url }: FastifyRequest): string => url.replace(ABSOLUTE, '').split('?', 1)[0]!

/** One line per request, once: who, what, how it ended. No query, header or body, which may carry a token or a password. */
export class RequestLog extends LogController {
  override incomingRequest (): void {}

  /** Nothing for the error of a stream: the request's own line reports it. */
  override streamError (): void {}

  /** @param error of the connection, when the client went away before the answer was out */
  override requestCompleted (error: Error | null, request: FastifyRequest, reply: FastifyReply): void {
    if (request.isLogged) return
    request.isLogged = true
    request.log.info({
      method: request.method,
      path: pathOf(request),
      status: reply.statusCode,
      user: request.user?.sub,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      aborted: error ? true : undefined,
      trace_id: request.span?.traceId
    }, 'request')
  }
}

export const requestLog = new RequestLog()

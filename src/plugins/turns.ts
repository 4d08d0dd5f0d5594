import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { answerOn, beginAnswer, mayBeSilent } from '../http/latest-answer.js'
import { requestLog } from '../log/request-log.js'

/** Requests that may wait for their turn on one connection: some 5 KB each. Clients that pipeline at all send a few. */
const MAX_WAITING = 50

/**
 * Milliseconds within which a client has to read some of its response. Node allows as much again when the system has accepted
 * a part at once, so that a client that reads nothing is cut off after 10 to 20 s.
 */
const PATIENCE = 10_000

/** The requests that wait on one connection, and the timer that closes it when their turn does not come. */
interface Line { socket: Socket, waiting: Map<FastifyRequest, FastifyReply>, timer?: NodeJS.Timeout }

/**
 * Serves the requests of a connection one after another (RFC 9112 §9.3.2), each when the answer before it is out. So each
 * connection has one request in progress, however many it sends. Node reports that a client has gone only on the response whose
 * turn it is: a request that began earlier would never learn of it.
 */
export const turnsPlugin = fp(async (app) => {
  const lines = new WeakMap<Socket, Line>()
  app.server.setTimeout(PATIENCE, disconnectSlowReader)

  // Node still parses what had arrived on a connection before it was cut off; nothing else is done with it.
  const [serve] = app.server.listeners('request') as [(...of: [IncomingMessage, ServerResponse]) => void]
  app.server.off('request', serve).on('request', (request, response) => {
    if (!request.socket.destroyed) serve(request, response)
  })

  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw
    if (reply.raw.socket) {
      beginAnswer(socket, reply.raw)
      return done()
    }
    const line = lines.get(socket) ?? lineOn(socket)
    line.waiting.set(request, reply)
    if (line.waiting.size > MAX_WAITING) socket.destroy()
    if (line.waiting.size === 1) watch(line)
    reply.raw.once('socket', () => {
      // Node is still busy with the answer before.
      process.nextTick(() => {
        if (!socket.destroyed) {
          line.waiting.delete(request)
          watch(line)
          beginAnswer(socket, reply.raw)
          done()
        }
      })
    })
  })

  function lineOn (socket: Socket): Line {
    const line: Line = { socket, waiting: new Map() }
    lines.set(socket, line)
    socket.once('close', () => {
      clearTimeout(line.timer)
      for (const [request, reply] of line.waiting) requestLog.requestCompleted(new Error('aborted'), request, reply)
    })
    return line
  }

  /** Starts the timer of the first request in the queue. */
  function watch (line: Line): void {
    clearTimeout(line.timer)
    if (line.waiting.size > 0) line.timer = setTimeout(() => { line.socket.destroy() }, app.server.timeout)
  }
}, { name: 'turns' })

/**
 * Nothing has moved on a connection for a while. A request that is not whole yet has time-outs of Node's own, and the server
 * takes the time it takes. What is left is an answer that the client does not take, that was the last one, or
 * that has nothing to say for now.
 */
function disconnectSlowReader (socket: Socket): void {
  const answer = answerOn(socket)
  if (answer?.headersSent && !mayBeSilent(answer)) socket.destroy()
}

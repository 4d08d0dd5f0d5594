import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Begins the end: from now on /ready is 503, and every answer is the last one of its connection. */
    drain: () => void
    isDraining: () => boolean
  }
}

/** Milliseconds that a connection on which nothing has come gets in the end: its request may be on the way. */
const SILENCE = 200

/** Ends connections without cutting off a request: what is open is served and told to close (RFC 9112 §9.6). */
export const shutdownPlugin = fp(async (app) => {
  let draining = false
  app.decorate('drain', () => { draining = true })
  app.decorate('isDraining', () => draining)
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (draining) reply.header('connection', 'close')
    done(null, payload)
  })

  // To Node a new connection is not idle, and would be waited for.
  const open = new Set<Socket>()
  app.server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => { open.delete(socket) })
  })
  app.addHook('preClose', (done) => {
    app.drain()
    setTimeout(() => {
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
    }, SILENCE).unref()
    done()
  })
}, { name: 'shutdown' })

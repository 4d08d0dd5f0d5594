import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Begins the shutdown: from now on /ready is 503, and every response closes its connection. */
    drain: () => void
    isDraining: () => boolean
  }
}

/** Milliseconds that a connection without a request gets at the end: one may be on the way. */
const SILENCE = 200

/** Closes connections without cutting off a request: the last response says `Connection: close` (RFC 9112 §9.6). */
export const shutdownPlugin = fp(async (app) => {
  let draining = false
  app.decorate('drain', () => { draining = true })
  app.decorate('isDraining', () => draining)
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (draining) reply.header('connection', 'close')
    done(null, payload)
  })

  // Node does not count a new connection as idle, and would wait for it.
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

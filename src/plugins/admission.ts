import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config/settings.js'
import { Overloaded } from '../errors/api-error.js'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

declare module 'fastify' {
  interface FastifyInstance {
    /** Of requests to the API, and of those that hash a password or wait for it. `taken.size` is how many there are now. */
    places: { requests: Places, hashes: Places }
  }
}

/** Makes the places; the whole application can look at them. */
export const placesPlugin = fp<{ config: Config }>(async (app, { config }) => {
  app.decorate('places', {
    requests: places(config.MAX_CONCURRENT_REQUESTS, 'requests'),
    hashes: places(config.HASH_THREADS + config.HASH_QUEUE, 'passwords')
  })
}, { name: 'places', dependencies: ['turns'] })

/**
 * Bounds what is done at a time: whoever comes on top gets 503 at once, and those inside their answer soon. A place is taken
 * when a request is there with its body, and free again when its answer is made: neither a client that stops in the middle of
 * a body nor one that does not read has any.
 */
export const admissionPlugin = fp(async (app) => {
  const { requests, hashes } = app.places
  // Whoever could not get in is told before anything else.
  app.addHook('onRequest', (_request, _reply, done) => { done(requests.isFull() ? new Overloaded('requests') : undefined) })
  app.addHook('preValidation', requests.take)
  app.addHook('onSend', (_request, reply, payload, done) => {
    requests.taken.delete(reply)
    hashes.taken.delete(reply)
    done(null, payload)
  })
}, { name: 'admission', dependencies: ['places'] })

interface Places {
  taken: Set<FastifyReply>
  isFull: () => boolean
  /** A hook that takes a place, until the answer is made or the client has gone, or throws Overloaded. */
  take: Hook
}

/** @param queue its name in the log */
function places (max: number, queue: string): Places {
  const taken = new Set<FastifyReply>()
  const isFull = () => taken.size >= max
  return {
    taken,
    isFull,
    take (request, reply, done) {
      // The client went while another hook waited, and that is told only once.
      if (reply.raw.destroyed || request.raw.socket.destroyed) return
      if (isFull()) return done(new Overloaded(queue))
      taken.add(reply)
      reply.raw.once('close', () => { taken.delete(reply) })
      done()
    }
  }
}

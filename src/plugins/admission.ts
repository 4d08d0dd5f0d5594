import fp from 'fastify-plugin'
import { Overloaded } from '../errors/api-error.js'
import { places, type Places } from '../http/places.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** For requests to the API, and for those that hash a password or wait for it. */
    places: { requests: Places, hashes: Places }
  }
}

/** Makes the places, so many of each kind; the whole application can look at them. */
export const placesPlugin = fp<{ requests: number, hashes: number }>(async (app, { requests, hashes }) => {
  app.decorate('places', { requests: places(requests, 'requests'), hashes: places(hashes, 'passwords') })
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
    requests.giveBack(reply.raw)
    hashes.giveBack(reply.raw)
    done(null, payload)
  })
}, { name: 'admission', dependencies: ['places'] })

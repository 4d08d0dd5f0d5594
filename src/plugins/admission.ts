import fp from 'fastify-plugin'
import { Overloaded } from '../errors/api-error.js'
import { places, type Places } from '../http/places.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** For requests to the API, and for those that hash a password or wait for it. */
    places: { requests: Places, hashes: Places }
  }
}

/** Makes the limits, one of each kind, and decorates the application with them. */
export const placesPlugin = fp<{ requests: number, passwords: number }>(async (app, { requests, passwords }) => {
  app.decorate('places', { requests: places(requests, 'requests'), hashes: places(passwords, 'passwords') })
}, { name: 'places', dependencies: ['turns'] })

/**
 * Limits how many requests are served at a time: one too many gets 503 at once, so that the others are answered soon. A request
 * counts from when its body has arrived until its response is made. A client that stops in the middle of a body, or does not
 * read, occupies no place.
 */
export const admissionPlugin = fp(async (app) => {
  const { requests, hashes } = app.places
  // The check for a free place comes first.
  app.addHook('onRequest', (_request, _reply, done) => { done(requests.isFull() ? new Overloaded('requests') : undefined) })
  app.addHook('preValidation', requests.take)
  app.addHook('onSend', (_request, reply, payload, done) => {
    requests.release(reply.raw)
    hashes.release(reply.raw)
    done(null, payload)
  })
}, { name: 'admission', dependencies: ['places'] })

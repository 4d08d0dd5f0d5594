import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config/settings.js'
import { Overloaded } from '../errors/api-error.js'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

declare module 'fastify' {
  interface FastifyInstance {
    /** Of requests to the API, and of those that hash a password or wait for it. */
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
    requests.giveBack(reply.raw)
    hashes.giveBack(reply.raw)
    done(null, payload)
  })
}, { name: 'admission', dependencies: ['places'] })

interface Places {
  /** How many are taken. */
  count: () => number
  isFull: () => boolean
  /** A hook that takes a place, until the answer is made or the client has gone, or throws Overloaded. */
  take: Hook
  giveBack: (response: ServerResponse) => void
}

/** @param queue its name in the log */
function places (max: number, queue: string): Places {
  let count = 0
  /** A mark on the answer. A Set of answers kept the dead ones until a full garbage collection: a tenth of a read. */
  const mark = Symbol(queue)
  const isFull = () => count >= max
  const giveBack = (response: ServerResponse & { [mark]?: boolean }): void => {
    if (!response[mark]) return
    response[mark] = false
    count--
  }
  /** One function for all answers, which hears of each by `this`. */
  function onClose (this: ServerResponse): void { giveBack(this) }
  return {
    count: () => count,
    isFull,
    take (request, reply, done) {
      const raw: ServerResponse & { [mark]?: boolean } = reply.raw
      // The client went while another hook waited, and that is told only once.
      if (raw.destroyed || request.raw.socket.destroyed) return
      if (isFull()) return done(new Overloaded(queue))
      raw[mark] = true
      count++
      raw.on('close', onClose)
      done()
    },
    giveBack
  }
}

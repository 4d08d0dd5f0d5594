import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { Overloaded } from '../errors/api-error.js'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** Limits how many requests are served at a time. */
export interface Places {
  /** How many are in use. */
  count: () => number
  isFull: () => boolean
  /** A hook that takes a place, until the answer is made or the client has gone, or throws Overloaded. */
  take: Hook
  release: (response: ServerResponse) => void
}

/**
 * @param max how many there are
 * @param queue their name in the log
 */
export function places (max: number, queue: string): Places {
  let count = 0
  /** A mark on the answer. A Set kept finished responses alive until a full garbage collection, which cost a tenth of a read. */
  const mark = Symbol(queue)
  const isFull = () => count >= max
  const release = (response: ServerResponse & { [mark]?: boolean }): void => {
    if (!response[mark]) return
    response[mark] = false
    count--
  }
  /** One listener for all responses; each is its `this`. */
  function onClose (this: ServerResponse): void { release(this) }
  return {
    count: () => count,
    isFull,
    take (request, reply, done) {
      const raw: ServerResponse & { [mark]?: boolean } = reply.raw
      // The client left while another hook waited; 'close' is emitted only once.
      if (raw.destroyed || request.raw.socket.destroyed) return
      if (isFull()) return done(new Overloaded(queue))
      raw[mark] = true
      count++
      raw.on('close', onClose)
      done()
    },
    release
  }
}

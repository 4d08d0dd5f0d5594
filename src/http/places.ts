import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { Overloaded } from '../errors/api-error.js'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** Places for so many requests at a time. */
export interface Places {
  /** How many are in use. */
  count: () => number
  isFull: () => boolean
  /** A hook that takes a place, until the answer is made or the client has gone, or throws Overloaded. */
  take: Hook
  giveBack: (response: ServerResponse) => void
}

/**
 * @param max how many there are
 * @param queue their name in the log
 */
export function places (max: number, queue: string): Places {
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

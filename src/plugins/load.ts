import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { Overloaded } from '../errors.js'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

declare module 'fastify' {
  interface FastifyInstance {
    /** A hook of the routes that hash a password: as many at a time as are hashed or may wait for it. */
    admitHashing: Hook
  }
}

/** Bounds what is done at a time: whoever comes on top gets 503 at once, and those inside their answer soon. */
export const loadPlugin = fp<{ config: Config }>(async (app, { config }) => {
  app.addHook('onRequest', atMost(config.MAX_CONCURRENT_REQUESTS, 'requests'))
  app.decorate('admitHashing', atMost(config.HASH_THREADS + config.HASH_QUEUE, 'passwords'))
}, { name: 'load' })

/**
 * @param max requests at a time; each has its place until its answer is out or its client has gone
 * @param queue what is full then, for the log
 * @returns a hook that throws Overloaded for the others
 */
function atMost (max: number, queue: string): Hook {
  let inside = 0
  return (_request, reply, done) => {
    if (inside >= max) return done(new Overloaded(queue))
    inside++
    reply.raw.once('close', () => { inside-- })
    done()
  }
}

import fp from 'fastify-plugin'
import { requestLog } from '../log/request-log.js'

/** Created once: a new error for each request would cost 3 % of a read. */
const ABORTED = new Error('aborted')

/** Every answer carries its request's id. */
export const requestsPlugin = fp(async (app) => {
  app.decorateRequest('isLogged')
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    // Fastify logs nothing when the client disconnects before the response is sent.
    reply.raw.on('close', () => { requestLog.requestCompleted(ABORTED, request, reply) })
    done()
  })
}, { name: 'requests' })

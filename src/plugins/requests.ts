import fp from 'fastify-plugin'
import { requestLog } from '../log/request-log.js'

/** Made once: an error for each request is 3 % of a read. */
const ABORTED = new Error('aborted')

/** Every answer carries its request's id. */
export const requestsPlugin = fp(async (app) => {
  app.decorateRequest('isLogged')
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    // Fastify logs nothing of a request whose client went away before the answer was out.
    reply.raw.on('close', () => { requestLog.requestCompleted(ABORTED, request, reply) })
    done()
  })
}, { name: 'requests' })

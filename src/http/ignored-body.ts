import type { FastifyInstance } from 'fastify'

/**
 * Lets the routes of a scope ignore a body, whatever it is or says it is: they have nothing to read there, as a DELETE does
 * (RFC 9110 §9.3.5).
 */
export function ignoreBody (scope: Pick<FastifyInstance, 'addHook' | 'removeAllContentTypeParsers' | 'addContentTypeParser'>): void {
  scope.addHook('onRequest', ({ headers }, _reply, done) => {
    delete headers['content-type']
    done()
  })
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, body, done) => {
    body.resume()
    done(null)
  })
}

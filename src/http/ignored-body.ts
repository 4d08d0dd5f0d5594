import type { FastifyInstance } from 'fastify'

/**
 * Makes the routes of a scope ignore the body, whatever its content and media type, as a DELETE does (RFC 9110 §9.3.5).
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

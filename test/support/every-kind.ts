import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { CallOptions } from '../helper.js'

/** A route whose handler has a bug. */
export const addBroken = (app: FastifyInstance) => {
  app.get('/broken', { schema: { hide: true } }, async () => { throw new Error('broken on purpose') })
}

/** A request for every way in which an answer comes about, and its status; `addBroken` adds the one that fails. */
export const everyKind: Array<[method: string, path: string, status: number, options?: CallOptions]> = [
  ['GET', '/health', 200],
  ['HEAD', '/health', 200],
  ['GET', '/docs/static/swagger-ui.css', 200],
  ['GET', '/api/auth/me', 200],
  ['GET', '/api/tasks/%zz', 400],
  ['GET', '/api/tasks', 401, { headers: { authorization: 'none' } }],
  ['GET', '/api/nobody/tasks', 403],
  ['GET', '/nope', 404],
  ['GET', `/api/tasks/${randomUUID()}`, 404],
  ['DELETE', '/health', 405],
  ['POST', '/api/tasks', 415, { body: 'Buy milk', headers: { 'content-type': 'text/plain' } }],
  ['GET', '/api/tasks?limit=0', 422],
  ['GET', '/broken', 500],
  ['OPTIONS', '/api/tasks', 204, { headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'PUT' } }]
]

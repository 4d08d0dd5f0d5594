import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errorAnswers } from '../errors/answers.js'
import { ApiError } from '../errors/api-error.js'
import { ref } from '../schemas/common.js'
import { Health, Readiness, ServiceInfo } from '../schemas/status.js'

/** Is it up, is it ready, what is it: for probes and people. Query parameters do not matter here. */
export const statusRoutes: FastifyPluginAsyncTypebox<{ title: string, version: string }> = async (app, { title, version }) => {
  app.get('/health', {
    schema: {
      operationId: 'getHealth',
      tags: ['Service'],
      summary: 'Liveness',
      description: '200 while the process runs. Does not query the database.',
      response: { 200: ref(Health, { description: 'The process runs' }) }
    }
  }, async () => ({ status: 'healthy' as const }))

  app.get('/ready', {
    schema: {
      operationId: 'getReadiness',
      tags: ['Service'],
      summary: 'Readiness',
      description: '200 when the database answers and the server is not shutting down, otherwise 503.',
      response: { 200: ref(Readiness, { description: 'The database answers' }), ...errorAnswers(['DATABASE_UNAVAILABLE', 'STOPPING']) }
    }
  }, async () => {
    if (app.isDraining()) throw new ApiError('STOPPING')
    await app.db.ping()
    return { status: 'ready' as const }
  })

  app.get('/', {
    schema: {
      operationId: 'getServiceInfo',
      tags: ['Service'],
      summary: 'About this service',
      description: 'Name, version and the paths of the documentation.',
      response: { 200: ref(ServiceInfo, { description: 'Name, version and paths' }) }
    }
  }, async () => ({ name: title, version, docs: '/docs', redoc: '/redoc', openapi: '/openapi.json' }))
}

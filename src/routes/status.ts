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
      description: 'Answers while the process lives. It does not ask the database.',
      response: { 200: ref(Health, { description: 'The process lives' }) }
    }
  }, async () => ({ status: 'healthy' as const }))

  app.get('/ready', {
    schema: {
      operationId: 'getReadiness',
      tags: ['Service'],
      summary: 'Readiness',
      description: 'Answers 200 when the database answers and the server is not about to stop, 503 otherwise.',
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
      summary: 'What this is',
      description: 'Name, version, and where the documents are.',
      response: { 200: ref(ServiceInfo, { description: 'Name, version, documents' }) }
    }
  }, async () => ({ name: title, version, docs: '/docs', redoc: '/redoc', openapi: '/openapi.json' }))
}

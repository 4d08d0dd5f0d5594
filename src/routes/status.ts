import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Config } from '../config/settings.js'
import { errorAnswers } from '../errors/answers.js'
import { ApiError } from '../errors/api-error.js'
import { ref } from '../schemas/common.js'
import { Health, Readiness, ServiceInfo } from '../schemas/status.js'

/** Is it up, is it ready, what is it: for probes and people. Query parameters do not matter here. */
export const statusRoutes: FastifyPluginAsyncTypebox<{ config: Config }> = async (app, { config }) => {
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
  }, async () => ({
    name: config.API_TITLE, version: config.API_VERSION, docs: '/docs', redoc: '/redoc', openapi: '/openapi.json'
  }))
}

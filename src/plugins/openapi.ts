import type { FastifyInstance, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** What has the OpenAPI document, as `swagger()`, and Swagger UI. Made when somebody asks: it is a tenth of a start. */
    documents: () => Promise<FastifyInstance>
  }
}

/** Remembers the routes, for their OpenAPI document. */
export const openapiPlugin = fp<{ config: Config }>(async (app, { config }) => {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => { if (route.method !== 'HEAD') routes.push(route) })

  let documents: Promise<FastifyInstance> | undefined
  app.decorate('documents', async () => {
    documents ??= import('./documents.js').then(async ({ documentsOf }) => documentsOf(routes, config))
    return await documents
  })
}, { name: 'openapi' })

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { RouteNotFound } from '../errors.js'
import { ref } from '../schemas/common.js'
import { HtmlPage, OpenApiDocument } from '../schemas/status.js'
import { escaped } from './html.js'

const SCRIPT = '/redoc/redoc.standalone.js'

/** ReDoc shows a logo of its makers from their server. A page of ours asks nobody else. */
const LOGO = /https:\/\/cdn\.redoc\.ly\/[\w./-]+/g
const NO_LOGO = 'data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E'

const redocPage = (title: string) => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} – reference</title>
<link rel="icon" href="data:,">
<style>body { margin: 0 }</style>
</head>
<body>
<redoc spec-url="/openapi.json"></redoc>
<script src="${SCRIPT}"></script>
</body>
</html>
`

const page = (operationId: string, summary: string, description: string) => ({
  operationId,
  tags: ['Service'],
  summary,
  description,
  response: { 200: { description: 'The page', content: { 'text/html': { schema: ref(HtmlPage) } } } }
})

/** The pages: /docs to try the API, /redoc to read it, /openapi.json for programs. */
export const docsPlugin = fp<{ config: Config }>(async (app, { config }) => {
  /** Swagger UI and its files. */
  async function swaggerUi (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = { url: request.raw.url!, headers: request.headers as Record<string, string> }
    const { statusCode, headers, rawPayload } = await (await app.documents()).inject(asked)
    if (statusCode === 404) throw new RouteNotFound()
    delete headers.connection
    return reply.code(statusCode).headers(headers).send(rawPayload)
  }
  app.get('/docs', { schema: page('getDocs', 'Interactive documentation', 'Swagger UI: try every operation in the browser.') }, swaggerUi)
  app.get('/docs/*', { schema: { hide: true } }, swaggerUi)

  app.get('/redoc', { schema: page('getRedoc', 'Reference documentation', 'ReDoc: read every operation in the browser.') },
    async (_request, reply) => reply.type('text/html; charset=utf-8').send(redocPage(config.API_TITLE)))

  // A megabyte, read when the first reader asks for it.
  let script: Promise<string> | undefined
  app.get(SCRIPT, { schema: { hide: true } }, async (_request, reply) => {
    script ??= readFile(createRequire(import.meta.url).resolve('redoc/bundles/redoc.standalone.js'), 'utf8')
      .then((text) => text.replace(LOGO, NO_LOGO))
    return reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, max-age=86400').send(await script)
  })

  let document: string | undefined
  app.get('/openapi.json', {
    schema: {
      operationId: 'getOpenApi',
      tags: ['Service'],
      summary: 'OpenAPI document',
      description: 'This contract, for programs.',
      response: { 200: ref(OpenApiDocument, { description: 'The document' }) }
    }
  }, async (_request, reply) => {
    document ??= JSON.stringify((await app.documents()).swagger())
    return reply.type('application/json; charset=utf-8').send(document)
  })
}, { name: 'docs', dependencies: ['openapi'] })

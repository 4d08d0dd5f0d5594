import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import swaggerUi from '@fastify/swagger-ui'
import type { RouteOptions, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '../errors/api-error.js'
import { ref } from '../schemas/common.js'
import { HtmlPage, OpenApiDocument } from '../schemas/status.js'

const SCRIPT = 'redoc/redoc.standalone.js'

/** ReDoc loads its makers' logo from their server. Our pages load nothing from other servers. */
const LOGO = /https:\/\/cdn\.redoc\.ly\/[\w./-]+/g
const NO_LOGO = 'data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E'

/** The page's URLs are relative, as on the other page. */
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
<redoc spec-url="docs/json"></redoc>
<script src="${SCRIPT}"></script>
</body>
</html>
`

const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)!};`)

/** Client generators leave these out: by `x-internal` where they honour it, otherwise by the tag. */
const forReaders = { tags: ['Documents'], 'x-internal': true }

const page = (operationId: string, summary: string, description: string) => ({
  ...forReaders,
  operationId,
  summary,
  description,
  response: { 200: { description: 'The page', content: { 'text/html': { schema: ref(HtmlPage) } } } }
})

/** The files of Swagger UI that its page loads. The package has others: a page of its own, a login that nobody uses here. */
const UI_FILES = [
  'swagger-ui.css', 'index.css', 'swagger-ui-bundle.js', 'swagger-ui-standalone-preset.js', 'favicon-32x32.png', 'favicon-16x16.png'
]

/** What Swagger UI's plugin serves beside its page, its document and its files. */
const UI_LEFTOVERS = ['/docs/yaml', '/docs/static/index.html']

/** @throws ROUTE_NOT_FOUND but for a file that the page loads */
const onlyUiFiles: onRequestHookHandler = (request, _reply, done) => {
  done(UI_FILES.includes((request.params as { '*': string })['*']) ? undefined : new ApiError('ROUTE_NOT_FOUND'))
}

interface PageAnswer { ok: boolean, url: string, obj: { access_token: string } }
/** Swagger UI, as the page's own script calls it. */
declare const ui: { authActions: { authorizeWithPersistOption: (credentials: object) => void } }

/* c8 ignore start: its text goes into the page, where the browser tests run it */
/** A login by "Try it out" authorizes the page, so that nobody has to copy the token. */
function authorizeAfterLogin (answer: PageAnswer): PageAnswer {
  if (answer.ok && answer.url.endsWith('/api/auth/login')) {
    const schema = { type: 'http', scheme: 'bearer' }
    ui.authActions.authorizeWithPersistOption({ bearer: { name: 'bearer', schema, value: answer.obj.access_token } })
  }
  return answer
}
/* c8 ignore stop */

/** The pages: /docs to try the API, /redoc to read it, /openapi.json for programs. */
export const docsPlugin = fp<{ title: string }>(async (app, { title }) => {
  app.addHook('onRoute', (route: RouteOptions) => {
    if (route.url === '/docs') route.schema = page('getDocs', 'Interactive documentation', 'Swagger UI: try every operation in the browser.')
    if (route.url === '/docs/static/*' || UI_LEFTOVERS.includes(route.url)) route.onRequest = onlyUiFiles
  })

  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // The files' URLs are relative, so that a reverse proxy may serve the pages below a prefix.
    indexPrefix: '.',
    // The document that both pages read is at /docs/json: from there, the API is one folder up (OpenAPI 3.1 §4.8.5).
    transformSpecification: (document) => ({ ...document, servers: [{ url: '..', description: 'This server' }] }),
    transformSpecificationClone: false,
    uiConfig: {
      layout: 'BaseLayout',
      persistAuthorization: true,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      responseInterceptor: authorizeAfterLogin as never
    },
    theme: { title: `${escaped(title)} – try it` }
  })

  app.get('/redoc', { schema: page('getRedoc', 'Reference documentation', 'ReDoc: read every operation in the browser.') },
    async (_request, reply) => reply.type('text/html; charset=utf-8').send(redocPage(title)))

  // A megabyte, read on the first request; as bytes, which concurrent responses share.
  let script: Promise<Buffer> | undefined
  app.get(`/${SCRIPT}`, { schema: { hide: true } }, async (_request, reply) => {
    script ??= readFile(createRequire(import.meta.url).resolve('redoc/bundles/redoc.standalone.js'), 'utf8')
      .then((text) => Buffer.from(text.replace(LOGO, NO_LOGO)))
    return reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, max-age=86400').send(await script)
  })

  let document: string | undefined
  app.get('/openapi.json', {
    schema: {
      ...forReaders,
      operationId: 'getOpenApi',
      summary: 'OpenAPI document',
      description: 'This API description, for programs.',
      response: { 200: ref(OpenApiDocument, { description: 'The document' }) }
    }
  }, async (_request, reply) => {
    document ??= JSON.stringify(app.swagger())
    return reply.type('application/json; charset=utf-8').send(document)
  })
}, { name: 'docs', dependencies: ['openapi'] })

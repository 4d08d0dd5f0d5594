import { Type } from '@sinclair/typebox'
import { strict } from './common.js'

export const Health = Type.Object({ status: Type.Literal('healthy') },
  { $id: 'Health', ...strict, description: 'The process runs', examples: [{ status: 'healthy' }] })

export const Readiness = Type.Object({ status: Type.Literal('ready') },
  { $id: 'Readiness', ...strict, description: 'The database answers', examples: [{ status: 'ready' }] })

export const ServiceInfo = Type.Object({
  name: Type.String(),
  version: Type.String(),
  docs: Type.String({ description: 'Path of the interactive documentation' }),
  redoc: Type.String({ description: 'Path of the reference documentation' }),
  openapi: Type.String({ description: 'Path of the OpenAPI document' })
}, {
  $id: 'ServiceInfo',
  ...strict,
  description: 'Name, version and documentation of the service',
  examples: [{ name: 'Todo Backend API', version: '1.1.0', docs: '/docs', redoc: '/redoc', openapi: '/openapi.json' }]
})

export const HtmlPage = Type.String({ $id: 'HtmlPage', description: 'A page for a browser' })

const open = { additionalProperties: true }

export const OpenApiDocument = Type.Object({
  openapi: Type.String(),
  info: Type.Object({ title: Type.String(), version: Type.String() }, open),
  paths: Type.Object({}, open)
}, {
  $id: 'OpenApiDocument',
  ...open,
  description: 'An OpenAPI 3.1 document',
  examples: [{ openapi: '3.1.0', info: { title: 'Todo Backend API', version: '1.1.0' }, paths: {} }]
})

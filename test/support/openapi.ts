import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Endpoint } from './endpoints.js'

interface Media { schema: object, example?: unknown, examples?: Record<string, { value: unknown }> }
interface Content { required?: boolean, description?: string, content?: Record<string, Media>, headers?: Record<string, object> }
interface Parameter { name: string, in: string, required: boolean, description?: string, schema: object }
export interface Operation {
  operationId: string
  summary: string
  description: string
  tags: string[]
  security?: object[]
  'x-internal'?: boolean
  parameters?: Parameter[]
  requestBody?: Content
  responses: Record<string, Content>
}
interface Component { type: string, properties?: Record<string, object>, additionalProperties?: boolean, examples?: unknown[] }
export interface Document {
  openapi: string
  info: { title: string, version: string, description: string, contact?: object }
  tags: Array<{ name: string }>
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Component>, securitySchemes: Record<string, object> }
}

export const nameOf = ({ path, method }: Endpoint) => `${method} ${path}`
export const refTo = (component: string) => ({ $ref: `#/components/schemas/${component}` })
/** The media types of the answers that are not JSON. */
export const mediaTypes: Record<string, string> = { HtmlPage: 'text/html', EventStreamText: 'text/event-stream' }

export const examplesOf = ({ example, examples = {} }: Media) =>
  [...(example === undefined ? [] : [example]), ...Object.values(examples).map(({ value }) => value)]

/** The constant texts of the errors, as they are promised. */
export const texts: Record<string, string[]> = {
  400: ['Malformed JSON', 'Malformed UTF-8'],
  401: ['Not authenticated', 'Invalid authentication credentials', 'Invalid email or password', 'Invalid refresh token'],
  403: ["Not authorized to access this user's tasks", 'Not authorized to access this task', 'Wrong password', 'Email not verified'],
  404: ['Task not found', 'Session not found'],
  409: ['Email already exists'],
  410: ['Sync token expired'],
  412: ['Precondition failed'],
  413: ['Request body too large'],
  415: ['Unsupported media type'],
  429: ['Too many requests'],
  500: ['Internal server error'],
  503: ['Service unavailable']
}

export const expectedHeaders: Record<string, string[]> = {
  304: ['ETag'], 412: ['ETag'], 401: ['WWW-Authenticate'], 429: ['RateLimit', 'RateLimit-Policy', 'Retry-After'], 503: ['Retry-After']
}

/** The validator of what the document describes. */
export function describedBy (document: Document) {
  // The document says what the validator of the server says, in formats as well.
  const ajv = new Ajv2020({ allowUnionTypes: true, allErrors: true })
  ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  ajv.addFormat('email', /^[^@\s]+@[^@\s]+\.[a-z]+$/)
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  ajv.addFormat('date', /^\d{4}-\d\d-\d\d$/)
  ajv.addFormat('password', true)
  ajv.addFormat('int64', true)
  ajv.addVocabulary(['x-normalize', 'x-well-formed', 'x-issue', 'components'])
  ajv.addSchema({ $id: 'api', components: document.components })
  return {
    ajv,
    /** Whether a value is what a component, given by a reference to it, says. */
    fits (component: object, value: unknown): boolean {
      const { $ref } = component as { $ref: string }
      return ajv.validate({ $ref: `api${$ref}` }, value)
    }
  }
}

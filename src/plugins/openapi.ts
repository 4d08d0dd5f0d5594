import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import { description } from '../docs/description.js'

/** The OpenAPI document, from the schemas of the routes. Its components are those that the validation has added. */
export const openapiPlugin = fp<{ title: string, version: string }>(async (app, { title, version }) => {
  const declared = new Map<string, Declared>()

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title,
        version,
        description,
        contact: { name: 'The operator of this server' },
        license: { name: 'MIT', identifier: 'MIT' }
      },
      servers: [{ url: '/', description: 'This server' }],
      // An operation needs a token only where it says so.
      security: [],
      tags: [
        { name: 'Accounts', description: 'Sign up, log in, and manage the account' },
        { name: 'Tasks', description: "The tasks of the token's user" },
        { name: 'Tasks by user', description: 'The same, with the user in the path' },
        { name: 'Service', description: 'Health, readiness and version' },
        { name: 'Documents', description: 'This API description, for people and for programs; generated clients do not need it' }
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The `access_token` of a login' }
        }
      }
    },
    // Components by their own names.
    refResolver: { buildLocalReference: ({ $id }) => String($id) },
    transform: ({ schema, url }) => {
      if (schema?.operationId) declared.set(schema.operationId, schema as Declared)
      // The router also registers each path with a slash at its end; the document lists it once.
      return { schema, url: url.replace(/(?<=.)\/$/, '') }
    },
    transformObject: (given) => {
      const { openapiObject: document } = given as unknown as { openapiObject: Document }
      for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
        complete(operation, declared.get(operation.operationId)!, document.components.schemas)
      }
      return document
    }
  })
}, { name: 'openapi', dependencies: ['validation'] })

/** The keywords beside a `$ref` of a body or a response, which the plugin drops. */
interface Declared { body?: Use, response: Record<string, Use> }
interface Use { 'x-optional'?: boolean, 'x-examples'?: Record<string, { value: unknown }> }

interface Media { schema: { $ref: string }, example?: unknown, examples?: Use['x-examples'] }
interface Content { required?: boolean, content?: Record<string, Media> }
interface Parameter { required?: boolean, schema: { default?: unknown } }
interface Operation { operationId: string, parameters?: Parameter[], requestBody?: Content, responses: Record<string, Content> }
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { examples?: unknown[] }> }
}

/** Adds what may be absent, and an example to every body and answer: the use's own, or the component's. */
function complete (operation: Operation, { body, response }: Declared, components: Document['components']['schemas']): void {
  const { parameters = [], requestBody, responses } = operation
  // A default stands in for a parameter that is left out.
  for (const parameter of parameters) if (parameter.schema.default !== undefined) parameter.required = false
  if (requestBody) {
    requestBody.required = !body?.['x-optional']
    addExamples(requestBody, body, components)
  }
  for (const [status, answer] of Object.entries(responses)) addExamples(answer, response[status], components)
}

function addExamples ({ content = {} }: Content, use: Use | undefined, components: Document['components']['schemas']): void {
  for (const media of Object.values(content)) {
    const component = components[media.schema.$ref.split('/').at(-1)!]!
    if (use?.['x-examples']) media.examples = use['x-examples']
    else if (component.examples) media.example = component.examples[0]
  }
}

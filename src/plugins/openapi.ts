import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'

const description = `A to-do list for many people: everyone signs up, logs in, and keeps tasks that nobody else can see or touch.

1. **Accounts** – \`POST /api/auth/signup\`, then \`POST /api/auth/login\` for a token.
2. **Create and list** – \`POST /api/tasks\`, and \`GET /api/tasks\` by page or by cursor.
3. **Update and complete** – \`PUT /api/tasks/{task_id}\`, \`PATCH /api/tasks/{task_id}/complete\`.
4. **Delete** – \`DELETE /api/tasks/{task_id}\`.
5. **Documents and errors** – [/docs](/docs) to try it, [/redoc](/redoc) to read it, [/openapi.json](/openapi.json) for programs.

## Getting a token

Log in, then send the answer's \`access_token\` as \`Authorization: Bearer …\`. On [/docs](/docs), paste it into *Authorize*.

## Errors

Every error answer is \`{"detail": …, "status_code": …}\`. Of a 422 the \`detail\` is the list of the broken rules, each with
its place (\`loc\`), a text (\`msg\`) and a stable name (\`type\`); of all others it is a constant text.`

/** The OpenAPI document, from the schemas of the routes. */
export const openapiPlugin = fp<{ config: Config }>(async (app, { config }) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: config.API_TITLE,
        version: config.API_VERSION,
        description,
        license: { name: 'MIT', identifier: 'MIT' }
      },
      servers: [{ url: '/', description: 'This server' }],
      tags: [
        { name: 'Accounts', description: 'Sign up, log in, who am I' },
        { name: 'Tasks', description: "The token's own tasks" },
        { name: 'Tasks by user', description: 'The same, with the user in the path' },
        { name: 'Service', description: 'Is it up, and what is it' }
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The `access_token` of a login' }
        }
      }
    },
    // Components by their own names.
    refResolver: { buildLocalReference: ({ $id }) => String($id) },
    transformObject: (document) => finished((document as unknown as { openapiObject: Document }).openapiObject) as never
  })
}, { name: 'openapi' })

interface Schema { 'x-optional'?: boolean, $ref?: string }
interface Body { required?: boolean, content?: Record<string, { schema: Schema }> }
interface Operation { requestBody?: Body, responses: Record<string, Body> }
interface Document { paths: Record<string, Record<string, Operation>> }

/** The plugin calls every body required, and leaves what our schemas say about a use beside each `$ref`. */
function finished (document: Document): Document {
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    const { requestBody, responses } = operation
    for (const { schema } of contentsOf(requestBody)) requestBody!.required = !schema['x-optional']
    for (const { schema } of [requestBody, ...Object.values(responses)].flatMap(contentsOf)) bare(schema)
  }
  return document
}

const contentsOf = (body: Body | undefined) => Object.values(body?.content ?? {})

/** Leaves the reference alone. */
function bare (schema: object): void {
  for (const name of Object.keys(schema)) if (name !== '$ref') delete schema[name as never]
}

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { FastifyInstance } from 'fastify'

interface Operation { responses: Record<string, { content?: Record<string, { schema: { $ref: string } }> }> }
interface Document { paths: Record<string, Record<string, Operation>>, components: { schemas: Record<string, object> } }

const ERRORS = ['ErrorAnswer', 'ValidationError']

/**
 * Compares every answer of an application with its own OpenAPI document: the status has to be documented for the
 * operation, and the body has to fit the documented schema exactly, also before the serializer could hide a field.
 * @param app not yet ready
 * @returns what did not fit, filled as answers go out
 */
export function watchContract (app: FastifyInstance): string[] {
  const violations: string[] = []
  let document: Document
  let validators: Map<string, ValidateFunction>

  app.addHook('onReady', async () => {
    document = app.swagger() as unknown as Document
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema({ $id: 'api', ...document })
    validators = new Map(Object.keys(document.components.schemas).map((name) =>
      [name, ajv.compile({ $ref: `api#/components/schemas/${name}` })]))
  })

  const operationOf = (url: string | undefined, method: string): Operation | undefined => {
    const path = url?.replace(/:(\w+)(\([^/]*\))?/g, '{$1}')
    return path === undefined ? undefined : document.paths[path]?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
  }

  const check = (where: string, names: string[], payload: unknown) => {
    const errors = names.map((name) => {
      const validate = validators.get(name)!
      return validate(payload) ? null : `${where}: not a ${name}: ${JSON.stringify(validate.errors)}`
    })
    if (errors.every(Boolean)) violations.push(errors[0]!)
  }

  app.addHook('preSerialization', async (request, reply, payload) => {
    const operation = operationOf(request.routeOptions.url, request.method)
    const documented = operation?.responses[reply.statusCode]?.content?.['application/json']?.schema.$ref
    if (documented) check(`handler of ${request.method} ${request.routeOptions.url}`, [documented.split('/').at(-1)!], payload)
    return payload
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const where = `${reply.statusCode} of ${request.method} ${request.url}`
    const operation = operationOf(request.routeOptions.url, request.method)
    const answer = operation?.responses[reply.statusCode]
    // A message that is broken is no request for an operation.
    const isMalformed = String(payload).includes('"Malformed request"')
    if (operation && !answer && !isMalformed) violations.push(`${where}: status is not documented`)
    const type = String(reply.getHeader('content-type') ?? '')
    if (!type.startsWith('application/json') || typeof payload !== 'string' || payload === '') return payload
    const documented = answer?.content?.['application/json']?.schema.$ref.split('/').at(-1)
    const body = JSON.parse(payload) as { status_code?: number }
    if (documented) check(where, [documented], body)
    else if (reply.statusCode >= 400) check(where, ERRORS, body)
    if (reply.statusCode >= 400 && body.status_code !== reply.statusCode) violations.push(`${where}: status_code differs`)
    return payload
  })

  return violations
}

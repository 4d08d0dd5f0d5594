import { Ajv, type FuncKeywordDefinition } from 'ajv'
import type { DataValidationCxt } from 'ajv/dist/types/index.js'
import fp from 'fastify-plugin'
import { ValidationFailed } from '../errors/api-error.js'
import { issueOf, type Failure } from '../errors/issues.js'
import { EMAIL, normalizedEmail } from '../http/emails.js'
import { jsonBody } from '../http/json-body.js'
import { once } from '../once.js'
import { isDate, uuidPattern } from '../schemas/common.js'
import { components } from '../schemas/index.js'

/** Issues that one answer lists at most. */
const MAX_ISSUES = 20

/** `x-normalize`: a text is trimmed and put in lower case before any other rule looks at it. */
const normalize: FuncKeywordDefinition = {
  keyword: 'x-normalize',
  type: 'string',
  before: 'maxLength',
  modifying: true,
  errors: false,
  validate: (_steps: string[], text: string, _schema?: unknown, at?: DataValidationCxt) => {
    at!.parentData[at!.parentDataProperty] = normalizedEmail(text)
    return true
  }
}

/**
 * Query and path values are text. Only the canonical form of a number or a boolean is converted.
 * @returns a function that converts the values of a schema; it returns the same object where all are texts
 */
function reader ({ properties }: Schema): (text: Record<string, unknown>) => Record<string, unknown> {
  const others = Object.entries(properties).filter(([, { type, default: preset }]) => type !== 'string' || preset !== undefined)
  return others.length === 0
    ? (text) => text
    : (text) => {
        const values: Record<string, unknown> = { ...text }
        for (const [name, { type, default: preset }] of others) {
          const value = values[name]
          if (value === undefined && preset !== undefined) values[name] = preset
          else if (type === 'integer' && /^-?\d+$/.test(String(value))) values[name] = Number(value)
          else if (type === 'boolean' && /^(true|false)$/.test(String(value))) values[name] = value === 'true'
        }
        return values
      }
}

/** `x-well-formed`: a text has no lone surrogate. */
const wellFormed: FuncKeywordDefinition = {
  keyword: 'x-well-formed',
  type: 'string',
  schema: false,
  validate: (text: string) => text.isWellFormed()
}

interface Schema {
  properties: Record<string, { type?: string, default?: unknown }>
  /** Of a body: the request may come without one. */
  'x-optional'?: boolean
}

/** The headers of a schema by the names that Node gives them; Fastify leaves that to custom validators. */
const asNodeNames = (schema: Schema): Schema => ({
  ...schema, properties: Object.fromEntries(Object.entries(schema.properties).map(([name, rules]) => [name.toLowerCase(), rules]))
})

/**
 * The rules of a request, from the schemas of its route: bodies are strict, query and path values are read from text.
 * Of the headers those that a schema names have to fit it.
 */
export const validationPlugin = fp(async (app) => {
  // The schemas themselves are not validated: TypeBox writes them.
  const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, meta: false, validateSchema: false, verbose: true })
  ajv.addKeyword(normalize).addKeyword(wellFormed).addVocabulary(['x-optional', 'x-examples', 'x-issue'])
  ajv.addFormat('uuid', new RegExp(uuidPattern)).addFormat('email', EMAIL).addFormat('date', isDate)
  for (const name of ['password', 'date-time', 'int64']) ajv.addFormat(name, true)
  for (const component of components) {
    app.addSchema(component)
    ajv.addSchema(component)
  }

  app.setValidatorCompiler<Schema>(({ schema, httpPart }) => {
    // Compiled on the first request: with the serializers, all of them would take a fifth of a start.
    const validate = once(() => ajv.compile(httpPart === 'headers' ? asNodeNames(schema) : schema))
    const failed = () => ({ error: validate().errors as never })
    if (httpPart === 'body') {
      const absent = schema['x-optional'] ? true : { error: noBody }
      return (body) => body === null ? absent : validate()(body) || failed()
    }
    const read = reader(schema)
    return (text: Record<string, unknown>) => {
      const value = read(text)
      if (!validate()(value)) return failed()
      // Headers that are set anew, Fastify would put together with the given ones each time that one is read.
      return value === text ? true : { value }
    }
  })

  app.setSchemaErrorFormatter((failures, part) =>
    new ValidationFailed(failures.slice(0, MAX_ISSUES).map((failure) => issueOf(failure as Failure, part))))

  // Without a body, its media type means nothing (RFC 9112 §6.3).
  app.addHook('onRequest', ({ headers }, _reply, done) => {
    const { 'content-length': length = '0', 'transfer-encoding': coding } = headers
    if (length === '0' && coding === undefined) delete headers['content-type']
    done()
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, jsonBody)
}, { name: 'validation' })

/** What Fastify passes for an absent body; a JSON null does not get this far. */
const noBody = [{ keyword: 'required', instancePath: '', schemaPath: '', params: {}, message: 'is required' }]

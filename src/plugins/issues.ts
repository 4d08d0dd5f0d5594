import type { ErrorObject } from 'ajv'
import type { FastifySchemaValidationError } from 'fastify/types/schema.js'
import { visibleText } from '../schemas/common.js'
import type { Issue } from '../schemas/errors.js'

/** The type of an issue, where it is not `value_error.` and the keyword. */
const ISSUE_TYPES: Record<string, string> = {
  required: 'value_error.missing',
  additionalProperties: 'value_error.extra',
  minLength: 'value_error.str.min_length',
  maxLength: 'value_error.str.max_length',
  pattern: 'value_error.str.pattern',
  minimum: 'value_error.number.not_ge',
  maximum: 'value_error.number.not_le'
}

/** Texts for people, where Ajv's own would show a regular expression or speak of "properties". */
const MESSAGES: Record<string, (params: Failure['params']) => string> = {
  required: () => 'is required',
  additionalProperties: () => 'is not known here',
  format: ({ format }) => `must be ${format === 'uuid' ? 'a UUID, 8-4-4-4-12 hexadecimal digits' : 'an email address'}`,
  pattern: ({ pattern }) => pattern === visibleText
    ? 'must have more than white space, and neither U+0000 nor a lone surrogate'
    : 'must have neither U+0000 nor a lone surrogate'
}

const TYPE_NAMES: Record<string, string> = { string: 'string', integer: 'integer', boolean: 'bool', object: 'object' }

const PARTS: Record<string, string> = { querystring: 'query', params: 'path' }

type Failure = ErrorObject | FastifySchemaValidationError

/** The stable name of a broken rule. */
export function issueType ({ keyword, params }: Pick<Failure, 'keyword' | 'params'>): string {
  if (keyword === 'format') return `value_error.${String(params.format)}`
  // Of ["string", "null"] the first is what a client most likely meant.
  if (keyword === 'type') return `type_error.${TYPE_NAMES[[params.type].flat()[0] as string]}`
  return ISSUE_TYPES[keyword] ?? `value_error.${keyword}`
}

/** JSON Pointer (RFC 6901 §4) to names. */
const names = (pointer: string) => pointer.split('/').slice(1).map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))

/** @param part of the request, as Fastify calls it */
export function issueOf (failure: Failure, part: string): Issue {
  const { keyword, instancePath, params, message } = failure
  const name = params.missingProperty ?? params.additionalProperty
  return {
    loc: [PARTS[part] ?? part, ...names(instancePath), ...(name === undefined ? [] : [String(name)])],
    msg: MESSAGES[keyword]?.(params) ?? String(message),
    type: issueType(failure)
  }
}

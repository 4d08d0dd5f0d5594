import type { ErrorObject } from 'ajv'
import { classOf, whiteSpace } from '../schemas/common.js'
import type { ValidationIssue } from '../schemas/errors.js'

/** The type of an issue, where it is not `value_error.` and the keyword. */
const ISSUE_TYPES: Record<string, string> = {
  required: 'value_error.missing',
  additionalProperties: 'value_error.extra',
  minLength: 'value_error.str.min_length',
  maxLength: 'value_error.str.max_length',
  pattern: 'value_error.str.pattern',
  'x-well-formed': 'value_error.str.pattern',
  minimum: 'value_error.number.not_ge',
  maximum: 'value_error.number.not_le'
}

/** The texts, as a person would say them; of other keywords Ajv's own. */
const MESSAGES: Record<string, (failure: Failure) => string> = {
  required: () => 'is required',
  additionalProperties: () => 'is not known here',
  type: ({ params }) => `must be ${[params.type].flat().map((type) => TYPE_TEXTS[String(type)]).join(' or ')}`,
  format: ({ params }) => `must be ${FORMAT_TEXTS[String(params.format)]}`,
  enum: ({ params }) => `must be one of ${(params.allowedValues as string[]).join(', ')}`,
  pattern: ({ data }) => BLANK.test(String(data)) ? 'must have more than white space' : 'must not have the character U+0000',
  'x-well-formed': () => 'must not have half a character (a lone surrogate)',
  minLength: ({ params }) => `must have at least ${characters(params.limit)}`,
  maxLength: ({ params }) => `must have at most ${characters(params.limit)}`,
  minimum: ({ params }) => `must be at least ${String(params.limit)}`,
  maximum: ({ params }) => `must be at most ${String(params.limit)}`
}

const BLANK = new RegExp(`^[${classOf(whiteSpace)}]*$`)

const characters = (count: unknown) => count === 1 ? '1 character' : `${String(count)} characters`

/** What a type is called: for programs, in the type of an issue, and for people, in its text. */
const TYPE_NAMES: Record<string, string> = { string: 'string', integer: 'integer', boolean: 'bool', object: 'object' }
const TYPE_TEXTS: Record<string, string> = {
  string: 'text', integer: 'a whole number', boolean: 'true or false', object: 'an object', null: 'null'
}

const FORMAT_TEXTS: Record<string, string> = {
  uuid: 'a UUID, 8-4-4-4-12 hexadecimal digits', email: 'an email address', date: 'a day of the calendar, YYYY-MM-DD'
}

const PARTS: Record<string, string> = { querystring: 'query', params: 'path', headers: 'header' }

/** Ajv's error, with `verbose`, which adds the value and its schema. */
export type Failure = ErrorObject<string, Record<string, unknown>>

/** The stable name of a broken rule. */
export function issueType ({ keyword, params }: Pick<Failure, 'keyword' | 'params'>): string {
  if (keyword === 'format') return `value_error.${String(params.format)}`
  // In ["string", "null"] the first is what a client most likely meant.
  if (keyword === 'type') return `type_error.${TYPE_NAMES[[params.type].flat()[0] as string]}`
  return ISSUE_TYPES[keyword] ?? `value_error.${keyword}`
}

/** JSON Pointer (RFC 6901 §4) to names. */
const names = (pointer: string) => pointer.split('/').slice(1).map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))

/** @param part of the request, as Fastify calls it */
export function issueOf (failure: Failure, part: string): ValidationIssue {
  const { keyword, instancePath, params, message, parentSchema } = failure
  const name = params.missingProperty ?? params.additionalProperty
  return {
    loc: [PARTS[part] ?? part, ...names(instancePath), ...(name === undefined ? [] : [String(name)])],
    msg: MESSAGES[keyword]?.(failure) ?? String(message),
    type: issueType(failure),
    // A schema may have its own words for a text that breaks its rules.
    ...(keyword !== 'type' && parentSchema?.['x-issue'])
  }
}

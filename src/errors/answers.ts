import type { TUnsafe } from '@sinclair/typebox'
import { ref } from '../schemas/common.js'
import { ErrorAnswer, ValidationError, type ValidationIssue } from '../schemas/errors.js'
import { catalogue, type ErrorCode, type StatusOf } from './catalogue.js'

/** Errors of every operation with a body, before its handler runs. */
export const bodyErrors = ['MALFORMED_JSON', 'MALFORMED_UTF8', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const

/** Errors of every operation of the API. */
export const apiErrors = ['TOO_MANY_REQUESTS', 'INTERNAL', 'DATABASE_UNAVAILABLE', 'OVERLOADED'] as const

/** Errors of every operation that needs a token. */
export const tokenErrors = ['NOT_AUTHENTICATED', 'INVALID_CREDENTIALS'] as const

type Documented = Record<string, object>

const text = (description: string) => ({ type: 'string', description })
const retryAfter = { 'Retry-After': { type: 'integer', minimum: 1, description: 'Seconds to wait before the next try' } }

/** What the documents say about a status, whichever of its errors an operation returns; of others, when each occurs. */
const statuses: Record<number, { description: string, headers?: Documented }> = {
  400: { description: 'The body is not UTF-8 or not JSON' },
  401: {
    description: 'No valid token',
    headers: { 'WWW-Authenticate': text('`Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3)') }
  },
  412: {
    description: 'The task is in another state than `If-Match` names; nothing has changed',
    headers: { ETag: text('The state that the task is in') }
  },
  413: { description: 'The body is larger than 64 KiB' },
  415: { description: 'The body is of a media type that is not taken here' },
  429: {
    description: 'A rate limit is exceeded',
    headers: {
      RateLimit: text('The requests left in each limit (`r`), and the seconds until it is reset (`t`): `"user";r=0;t=30`'),
      'RateLimit-Policy': text('Each limit: the number of requests (`q`) in a number of seconds (`w`): `"user";q=1000;w=60`'),
      ...retryAfter
    }
  },
  500: { description: 'A bug of the server; its log has the details under the `X-Request-Id`' },
  503: { description: 'The database cannot be reached, or the server is overloaded or stopping', headers: retryAfter }
}

/**
 * The documented error answers of an operation.
 * @param codes of the errors that it can return
 * @param more headers of some statuses, by the status, where other operations have none
 * @returns status → `{$ref}` to the error component, with description, headers and an example of each text
 */
export function errorAnswers<Code extends ErrorCode> (
  codes: readonly Code[], more: Record<number, Documented> = {}
): Record<StatusOf<Code>, TUnsafe<ErrorAnswer>> {
  const examples: Record<number, Record<string, { value: ErrorAnswer }>> = {}
  const occasions: Record<number, string[]> = {}
  for (const { status, detail, when } of codes.map((code) => catalogue[code])) {
    examples[status] = { ...examples[status], [detail]: { value: { detail, status_code: status } } }
    occasions[status] = [...occasions[status] ?? [], when]
  }
  const said = (status: number) => ({ ...statuses[status], ...(more[status] && { headers: more[status] }) })
  return Object.fromEntries(Object.entries(examples).map(([status, all]) => {
    const description = occasions[Number(status)]!.join('; ')
    return [status, ref(ErrorAnswer, { description, ...said(Number(status)), 'x-examples': all })]
  })) as Record<StatusOf<Code>, TUnsafe<ErrorAnswer>>
}

const unknownParameter = { loc: ['query', 'colour'], msg: 'is not known here', type: 'value_error.extra' }

/**
 * The same for an operation of the API. Each can also return 422, because unknown query parameters are refused.
 * @param issues an example of its 422
 */
export function apiAnswers<Code extends ErrorCode> (
  codes: readonly Code[], issues: ValidationIssue[] = [unknownParameter], more?: Record<number, Documented>
) {
  return {
    ...errorAnswers([...codes, ...apiErrors], more),
    422: ref(ValidationError, {
      description: 'The request breaks a rule',
      'x-examples': { 'A broken rule': { value: { detail: issues, status_code: 422 } } }
    })
  }
}

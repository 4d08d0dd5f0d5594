import { Type, type Static, type TUnsafe } from '@sinclair/typebox'
import { ref, strict } from './common.js'

/** Every error answer but 422. */
export const ErrorAnswer = Type.Object({
  detail: Type.String({ description: 'What happened, as a constant text' }),
  status_code: Type.Integer({ description: 'The HTTP status, again' })
}, { $id: 'ErrorAnswer', ...strict, description: 'An error: what happened, and the HTTP status' })
export type ErrorAnswer = Static<typeof ErrorAnswer>

/** One broken rule. */
export const ValidationIssue = Type.Object({
  loc: Type.Array(Type.String(), { description: 'Where: `body`, `query` or `path`, then the names down to the value' }),
  msg: Type.String({ description: 'The rule, for a person' }),
  type: Type.String({ description: 'The rule, for a program' })
}, {
  $id: 'ValidationIssue',
  ...strict,
  description: 'One broken rule',
  examples: [{ loc: ['body', 'title'], msg: 'is required', type: 'value_error.missing' }]
})
export type ValidationIssue = Static<typeof ValidationIssue>

/** The answer to a request that was understood and breaks a rule: the first 20 broken rules. */
export const ValidationError = Type.Object({
  detail: Type.Array(ref(ValidationIssue), { maxItems: 20 }),
  // A literal of TypeBox would be a `number`, which a Java client cannot hold an integer in.
  status_code: Type.Unsafe<422>({ type: 'integer', const: 422 })
}, { $id: 'ValidationError', ...strict, description: 'The rules that the request breaks, the first 20 at most' })
export type ValidationError = Static<typeof ValidationError>

/** The constant texts of the error answers, by status. What a client may compare with. */
export const errorTexts = {
  400: ['Malformed request', 'Malformed JSON', 'Malformed UTF-8'],
  401: ['Not authenticated', 'Invalid authentication credentials', 'Invalid email or password'],
  403: ["Not authorized to access this user's tasks", 'Not authorized to access this task'],
  404: ['Task not found', 'Not found'],
  405: ['Method not allowed'],
  408: ['Request timeout'],
  409: ['Email already exists'],
  413: ['Request body too large'],
  414: ['URI too long'],
  415: ['Unsupported media type'],
  417: ['Expectation failed'],
  429: ['Too many requests'],
  431: ['Request header fields too large'],
  500: ['Internal server error'],
  503: ['Service unavailable']
} as const
type ErrorStatus = keyof typeof errorTexts
type ErrorText = (typeof errorTexts)[ErrorStatus][number]

/** What every operation with a body can answer before its handler. */
export const bodyErrors = ['Malformed JSON', 'Malformed UTF-8', 'Request body too large', 'Unsupported media type'] as const

/** What every operation of the API can answer. */
export const apiErrors = ['Too many requests', 'Internal server error', 'Service unavailable'] as const

/** What every operation behind a token can answer. */
export const tokenErrors = ['Not authenticated', 'Invalid authentication credentials'] as const

const text = (description: string) => ({ type: 'string', description })
const retryAfter = { 'Retry-After': { type: 'integer', minimum: 1, description: 'Seconds to wait before the next try' } }
const limits = {
  RateLimit: text('What is left of each limit (`r`), and the seconds until it is whole again (`t`): `"user";r=0;t=30`'),
  'RateLimit-Policy': text('Each limit: so many requests (`q`) in so many seconds (`w`): `"user";q=1000;w=60`')
}
const challenge = {
  'WWW-Authenticate': text('`Bearer`, with `error="invalid_token"` when a token was given (RFC 6750 §3)')
}

const described: Record<number, { description: string, headers?: Record<string, object> }> = {
  400: { description: 'The body is not UTF-8 or not JSON' },
  401: { description: 'No valid token', headers: challenge },
  403: { description: "The task, or the path's user, is somebody else's" },
  404: { description: 'There is no such task' },
  409: { description: 'The email is taken' },
  413: { description: 'The body is larger than 64 KiB' },
  415: { description: 'The body is not `application/json`' },
  429: { description: 'A rate limit is used up', headers: { ...limits, ...retryAfter } },
  500: { description: 'A bug of the server; its log has the details under the `X-Request-Id`' },
  503: { description: 'The database cannot be reached, or the server is overloaded or stopping', headers: retryAfter }
}

const example = (status: number, detail: string) => ({ value: { detail, status_code: status } })

const unknownParameter = { loc: ['query', 'colour'], msg: 'is not known here', type: 'value_error.extra' }

/**
 * The documented error answers of an operation.
 * @param texts the constant texts it can answer; each stands under its own status
 * @returns status → `{$ref}` to the error component, with description, headers and examples
 */
export function errorTextAnswers (texts: readonly ErrorText[]): Record<ErrorStatus, TUnsafe<ErrorAnswer>> {
  const answers: Record<number, TUnsafe<ErrorAnswer>> = {}
  for (const [status, known] of Object.entries(errorTexts)) {
    const mine = known.filter((detail) => (texts as readonly string[]).includes(detail))
    if (mine.length === 0) continue
    answers[Number(status)] = ref(ErrorAnswer, {
      ...described[Number(status)],
      'x-examples': Object.fromEntries(mine.map((detail) => [detail, example(Number(status), detail)]))
    })
  }
  return answers
}

/**
 * The same, and the 422 that every operation of the API can answer, because it refuses unknown query parameters.
 * @param invalid an example of its 422, as the list of issues
 */
export const errorAnswers = (texts: readonly ErrorText[], invalid: ValidationIssue[] = [unknownParameter]) => ({
  ...errorTextAnswers(texts),
  422: ref(ValidationError, {
    description: 'The request breaks a rule',
    'x-examples': { 'A broken rule': { value: { detail: invalid, status_code: 422 } } }
  })
})

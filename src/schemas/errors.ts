import { Type, type Static } from '@sinclair/typebox'
import { ref, strict } from './common.js'

/** Every error answer but 422. */
export const ErrorAnswer = Type.Object({
  detail: Type.String({ description: 'What happened: a constant text' }),
  status_code: Type.Integer({ description: 'The HTTP status' })
}, { $id: 'ErrorAnswer', ...strict, description: 'An error: what happened, and the HTTP status' })
export type ErrorAnswer = Static<typeof ErrorAnswer>

/** One broken rule. */
export const ValidationIssue = Type.Object({
  loc: Type.Array(Type.String(), { description: 'Where: `body`, `query`, `path` or `header`, then the names down to the value' }),
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

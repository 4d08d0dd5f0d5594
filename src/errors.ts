import createError from '@fastify/error'
import type { ValidationIssue } from './schemas/errors.js'

/*
 * The table of errors the product can throw. The code is for the log and for programmers; the text and the status
 * are what a client sees, in the shape of schemas/errors.ts.
 */

export const MalformedRequest = createError('TODO_MALFORMED_REQUEST', 'Malformed request', 400)
export const MalformedJson = createError('TODO_MALFORMED_JSON', 'Malformed JSON', 400)
export const MalformedUtf8 = createError('TODO_MALFORMED_UTF8', 'Malformed UTF-8', 400)
export const NotAuthenticated = createError('TODO_NOT_AUTHENTICATED', 'Not authenticated', 401)
export const InvalidCredentials = createError('TODO_INVALID_CREDENTIALS', 'Invalid authentication credentials', 401)
export const WrongPassword = createError('TODO_WRONG_PASSWORD', 'Invalid email or password', 401)
export const ForeignUser = createError('TODO_FOREIGN_USER', "Not authorized to access this user's tasks", 403)
export const ForeignTask = createError('TODO_FOREIGN_TASK', 'Not authorized to access this task', 403)
export const TaskNotFound = createError('TODO_TASK_NOT_FOUND', 'Task not found', 404)
export const RouteNotFound = createError('TODO_ROUTE_NOT_FOUND', 'Not found', 404)
export const MethodNotAllowed = createError('TODO_METHOD_NOT_ALLOWED', 'Method not allowed', 405)
export const EmailTaken = createError('TODO_EMAIL_TAKEN', 'Email already exists', 409)
export const UnsupportedMediaType = createError('TODO_UNSUPPORTED_MEDIA_TYPE', 'Unsupported media type', 415)
export const TooManyRequests = createError('TODO_TOO_MANY_REQUESTS', 'Too many requests', 429)
export const Stopping = createError('TODO_STOPPING', 'Service unavailable', 503)

const Busy = createError('TODO_OVERLOADED', 'Service unavailable', 503)

/** More than is done at a time, or a client that is gone. */
export class Overloaded extends Busy {
  /** @param queue what is full, for the log */
  constructor (readonly queue?: string) {
    super()
  }
}

const Invalid = createError('TODO_INVALID', 'The request breaks a rule', 422)

/** A request that breaks rules. The answer lists them. */
export class ValidationFailed extends Invalid {
  /** @param issues the broken rules, each with its place */
  constructor (readonly issues: ValidationIssue[]) {
    super()
  }
}

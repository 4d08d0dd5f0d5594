import { DatabaseUnavailable } from '../db/errors.js'
import type { ErrorAnswer, ValidationError } from '../schemas/errors.js'
import { ApiError, ValidationFailed } from './api-error.js'
import { catalogue, type ErrorCode } from './catalogue.js'

/** Fastify's own errors, by status: their texts quote the request. A file that must not be served is reported as missing. */
const BY_STATUS: Record<number, ErrorCode> = {
  403: 'ROUTE_NOT_FOUND',
  404: 'ROUTE_NOT_FOUND',
  408: 'REQUEST_TIMEOUT',
  413: 'BODY_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  431: 'HEADERS_TOO_LARGE'
}

/** What is known of an error: Fastify's have a status, others are bugs. */
type Thrown = { statusCode?: number } | null | undefined

/** @returns the code of an error in the catalogue; an unknown error is a bug */
export function codeOf (error: Thrown): ErrorCode {
  if (error instanceof ApiError) return error.code
  if (error instanceof DatabaseUnavailable) return 'DATABASE_UNAVAILABLE'
  const status = error?.statusCode ?? 500
  return BY_STATUS[status] ?? (status >= 400 && status < 500 ? 'MALFORMED_REQUEST' : 'INTERNAL')
}

/** @returns the answer that an entry of the catalogue stands for */
export function answerFor (code: ErrorCode): ErrorAnswer {
  const { status, detail } = catalogue[code]
  return { detail, status_code: status }
}

/** @returns an error in the shape that a client sees. The text of a bug stays here */
export const answerTo = (error: Thrown): ErrorAnswer | ValidationError =>
  error instanceof ValidationFailed ? { detail: error.issues, status_code: 422 } : answerFor(codeOf(error))

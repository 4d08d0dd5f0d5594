import type { ValidationIssue } from '../schemas/errors.js'
import { catalogue, type ErrorCode } from './catalogue.js'

/** An error that a client is told, by its code in the catalogue. */
export class ApiError extends Error {
  readonly statusCode: number

  constructor (readonly code: ErrorCode) {
    super(catalogue[code].detail)
    this.statusCode = catalogue[code].status
  }
}

/** More than is done at a time. */
export class Overloaded extends ApiError {
  /** @param queue what is full, for the log; nothing is when the client has gone */
  constructor (readonly queue?: string) {
    super('OVERLOADED')
  }
}

/** A request that breaks rules: the answer is 422 and lists them. */
export class ValidationFailed extends Error {
  /** @param issues the broken rules, each with its place */
  constructor (readonly issues: ValidationIssue[]) {
    super('The request breaks a rule')
  }
}

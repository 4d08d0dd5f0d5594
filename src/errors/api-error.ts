import type { ValidationIssue } from '../schemas/errors.js'
import { catalogue, type ErrorCode } from './catalogue.js'

/** An error that is returned to the client, by its code in the catalogue. */
export class ApiError extends Error {
  readonly statusCode: number

  constructor (readonly code: ErrorCode) {
    super(catalogue[code].detail)
    this.statusCode = catalogue[code].status
  }
}

/** More requests than are served at a time. */
export class Overloaded extends ApiError {
  /** @param queue which one is full, for the log; absent when the client has gone */
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

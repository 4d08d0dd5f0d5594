import { isUtf8 } from 'node:buffer'
import type { FastifyBodyParser } from 'fastify'
import { ApiError, ValidationFailed } from '../errors/api-error.js'

/** Reads a JSON body, which Fastify has as bytes: its own parser forgives invalid UTF-8. */
export const jsonBody: FastifyBodyParser<Buffer> = ({ headers }, body, done) => {
  try {
    // No coding is supported, and 415 says so (RFC 9110 §8.4).
    if (headers['content-encoding']) throw new ApiError('UNSUPPORTED_MEDIA_TYPE')
    done(null, parsed(body))
  } catch (error) {
    done(error as Error)
  }
}

/**
 * @returns the value, or undefined for a body without a byte
 * @throws MALFORMED_UTF8, MALFORMED_JSON; ValidationFailed for `null`, which Fastify could not tell from no body
 */
function parsed (body: Buffer): unknown {
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw new ApiError('MALFORMED_UTF8')
  const value = json(body.toString())
  if (value !== null) return value
  throw new ValidationFailed([{ loc: ['body'], msg: 'must be an object', type: 'type_error.object' }])
}

function json (text: string): unknown {
  try {
    // A member `__proto__` becomes an own property here and is then refused by name, as any unknown one.
    return JSON.parse(text)
  } catch {
    throw new ApiError('MALFORMED_JSON')
  }
}

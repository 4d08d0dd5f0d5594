import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** An id that a client may choose: short, and nothing that could break a log line or a header. */
const CLIENT_ID = /^[A-Za-z0-9._-]{1,64}$/

export const newRequestId = (): string => randomUUID()

/** The id of a request: the client's own when it is valid, otherwise a new one. */
export function genReqId ({ headers: { 'x-request-id': given } }: IncomingMessage): string {
  return typeof given === 'string' && CLIENT_ID.test(given) ? given : newRequestId()
}

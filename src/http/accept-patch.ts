import type { onErrorHookHandler } from 'fastify'

/** `Accept-Patch` for a client that has sent another media type (RFC 5789 §2.2). @param types that the PATCH accepts */
export const takes = (...types: string[]): onErrorHookHandler => (_request, reply, { statusCode }, done) => {
  if (statusCode === 415) reply.header('accept-patch', types.join(', '))
  done()
}

/** How the documents describe it: headers by status. */
export const acceptPatch = { 415: { 'Accept-Patch': { type: 'string', description: 'The media types that are taken' } } }

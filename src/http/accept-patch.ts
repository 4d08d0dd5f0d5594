import type { onErrorHookHandler } from 'fastify'

/** Tells what a PATCH takes whoever has sent something else (RFC 5789 §2.2). @param types its media types */
export const takes = (...types: string[]): onErrorHookHandler => (_request, reply, { statusCode }, done) => {
  if (statusCode === 415) reply.header('accept-patch', types.join(', '))
  done()
}

/** The same in the documents: headers by status. */
export const acceptPatch = { 415: { 'Accept-Patch': { type: 'string', description: 'The media types that are taken' } } }

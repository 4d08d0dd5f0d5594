import type { FastifyBaseLogger, FastifyReply } from 'fastify'

/** Runs work after the answer, so that nobody can measure whether there was any. */
export function afterAnswer (reply: FastifyReply, log: FastifyBaseLogger, work: () => Promise<void>): void {
  reply.raw.once('close', () => {
    work().catch(({ message }: Error) => { log.warn({ reason: message }, 'mail not sent') })
  })
}

/** @param isLast whether the browser should empty its cache, as the account is no longer in use there */
export const noContent = (description: string, isLast = false) => ({
  type: 'null',
  description,
  ...(isLast && { headers: { 'Clear-Site-Data': { type: 'string', description: '`"cache"`: the browser empties its cache' } } })
})

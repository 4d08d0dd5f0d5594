import type { FastifyBaseLogger, FastifyReply } from 'fastify'

/** Does something when the answer is out: what it takes, and whether there is anything to do, nobody can measure. */
export function afterAnswer (reply: FastifyReply, log: FastifyBaseLogger, work: () => Promise<void>): void {
  reply.raw.once('close', () => {
    work().catch(({ message }: Error) => { log.warn({ reason: message }, 'mail not sent') })
  })
}

/** @param isLast whether a browser is told to forget what it has kept of the account */
export const noContent = (description: string, isLast = false) => ({
  type: 'null',
  description,
  ...(isLast && { headers: { 'Clear-Site-Data': { type: 'string', description: '`"cache"`: a browser forgets what it has kept' } } })
})

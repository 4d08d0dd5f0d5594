import { randomUUID } from 'node:crypto'
import { PASSWORD, type Answer, type CallOptions } from '../helper.js'

type Call = (method: string, url: string, options?: CallOptions) => Promise<Answer>

/** An email that nobody has. */
export const newEmail = () => `${randomUUID()}@example.com`

/** A body of a signup that is right, but for what is changed. */
export const account = (changed: object = {}) => ({ email: newEmail(), password: PASSWORD, name: 'Ada', ...changed })

/** Posts a body, right or wrong, to one of the two operations that want no token. */
export const entrance = (call: Call) => ({
  signup: async (body: unknown) => call('POST', '/api/auth/signup', { body }),
  login: async (body: unknown) => call('POST', '/api/auth/login', { body })
})

/** The broken rules that an answer lists, if it does, as `place type`. */
export const issuesIn = ({ detail }: { detail: string | Array<{ loc: string[], type: string }> }) =>
  Array.isArray(detail) ? detail.map(({ loc, type }) => `${loc.join('.')} ${type}`).sort() : []

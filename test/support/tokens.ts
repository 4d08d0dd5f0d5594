import { createHmac } from 'node:crypto'
import type { Test } from 'tap'
import { startApp, testSettings } from '../helper.js'

/** What a 401 says where no token was given, and where a bad one was. */
export const NONE = 'Not authenticated'
export const INVALID = 'Invalid authentication credentials'

export const HS256 = { alg: 'HS256', typ: 'JWT' }
export const issuer = { iss: 'todo-backend', aud: 'todo-backend' }
/** In seconds, as tokens have it. */
export const now = () => Math.floor(Date.now() / 1000)

/** JSON as base64url; a string goes out as it is. */
export const part = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
/** Signs with the server's own key, unless told otherwise. @returns the input with its signature */
export const hmac = (input: string, { key = testSettings.SECRET_KEY, hash = 'sha256' } = {}) =>
  `${input}.${createHmac(hash, key).update(input).digest('base64url')}`
/** A token signed with the server's own key, unless told otherwise. */
export const forge = (header: unknown, payload: unknown, by?: { key?: string, hash?: string }) =>
  hmac(`${part(header)}.${part(payload)}`, by)

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export type Call = [method: string, url: string, body?: unknown]

/** An application with somebody whose tokens are good, and what its protected operations make of other ones. */
export async function tokenTester (t: Test) {
  const app = await startApp(t)
  const { call } = app
  const ada = await app.signUp()
  // Both plugins that ask for a token, also before the path and the body are looked at.
  const protectedCalls: Call[] = [
    ['GET', '/api/auth/me'], ['HEAD', '/api/auth/me'],
    ['GET', '/api/tasks'], ['POST', '/api/tasks', '{'], ['PUT', `/api/${ada.id}/tasks/x`, {}]
  ]

  /** Asserts that each call is 401 with this text. */
  async function refused (t: Test, what: string, headers: Record<string, string>, detail: string, calls = protectedCalls) {
    for (const [method, url, body] of calls) {
      const answer = await call(method, url, { body, headers })
      t.equal(answer.status, 401, `${what}: ${method} ${url}`)
      t.equal(answer.headers['www-authenticate'], detail === NONE ? 'Bearer' : 'Bearer error="invalid_token"', what)
      if (method !== 'HEAD') t.strictSame(answer.body, { detail, status_code: 401 }, what)
    }
  }

  return {
    ...app,
    ada,
    refused,
    /** The claims of a good token of hers, but for what is changed. */
    claims: (changed: object = {}) => ({ sub: ada.id, email: ada.email, iat: now(), exp: now() + 600, ...issuer, ...changed }),
    protectedCalls,
    statusOf: async (headers: Record<string, string>, url = '/api/auth/me') => (await call('GET', url, { headers })).status
  }
}

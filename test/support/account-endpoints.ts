import type { Endpoint } from './endpoints.js'

const api = [429, 500, 503]
const bodied = [400, 413, 415]

const open = (method: string, path: string, body: string, rest: Pick<Endpoint, 'success' | 'answer' | 'errors'>): Endpoint =>
  ({ method, path: `/api/auth${path}`, isProtected: false, body, ...rest, errors: [422, ...bodied, ...api, ...rest.errors] })

const own = (method: string, path: string, rest: Pick<Endpoint, 'success' | 'answer' | 'query' | 'successHeaders'> & { errors?: number[] }): Endpoint =>
  ({ method, path: `/api/auth${path}`, isProtected: true, ...rest, errors: [401, 422, ...api, ...rest.errors ?? []] })

const ownWith = (method: string, path: string, body: string, rest: Pick<Endpoint, 'success' | 'answer' | 'successHeaders'> & { errors?: number[] }): Endpoint =>
  ({ ...own(method, path, { ...rest, errors: [...bodied, ...rest.errors ?? []] }), body })

const clears = ['Clear-Site-Data']

/** The endpoints of accounts, in the order in which a person could use them. */
export const accountEndpoints: Endpoint[] = [
  open('POST', '/signup', 'SignupRequest', { success: 201, answer: 'User', errors: [409] }),
  open('POST', '/login', 'LoginRequest', { success: 200, answer: 'LoginAnswer', errors: [401, 403] }),
  open('POST', '/refresh', 'RefreshRequest', { success: 200, answer: 'LoginAnswer', errors: [401] }),
  own('GET', '/me', { success: 200, answer: 'User' }),
  own('GET', '/me/export', { success: 200, answer: 'Export', successHeaders: ['Content-Disposition'] }),
  ownWith('PATCH', '/me', 'ProfileChange', { success: 200, answer: 'User' }),
  ownWith('PUT', '/me/email', 'EmailChange', { success: 202, answer: 'Accepted', errors: [403, 409] }),
  ownWith('PUT', '/me/password', 'PasswordChange', { success: 204, errors: [403] }),
  own('GET', '/sessions', { success: 200, answer: 'SessionList' }),
  own('POST', '/email-verification', { success: 202, answer: 'Accepted' }),
  open('POST', '/email-verification/confirm', 'EmailConfirmation', { success: 204, errors: [409] }),
  open('POST', '/password-reset', 'PasswordResetRequest', { success: 202, answer: 'Accepted', errors: [] }),
  open('POST', '/password-reset/confirm', 'PasswordReset', { success: 204, errors: [] }),
  own('DELETE', '/sessions/{session_id}', { success: 204, errors: [404] }),
  own('DELETE', '/sessions', { success: 204, query: ['except_current'] }),
  own('POST', '/logout', { success: 204, successHeaders: clears }),
  ownWith('POST', '/me/delete', 'AccountDeletion', { success: 204, errors: [403], successHeaders: clears })
]

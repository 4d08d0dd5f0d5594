import type { Result } from './result.js'
import type { components } from './schema.js'
import type { Export, RequestSettings, Send } from './send.js'

type Schemas = components['schemas']

/** Settings of the end of all sessions. */
export interface EndAllSettings extends RequestSettings {
  /** Whether the one that asks goes on. */
  exceptCurrent?: boolean
}

/**
 * One's own account.
 * @param download of the account
 * @param leave is called when it is gone
 */
export const accountOf = (send: Send, download: (settings?: RequestSettings) => Promise<Export>, leave: () => Promise<void>) => ({
  async rename (name: string, settings?: RequestSettings): Promise<Result<'changeMe'>> {
    return send('patch', '/api/auth/me', { body: { name }, ...settings })
  },

  /** Every other session ends. */
  async changePassword (body: Schemas['PasswordChange'], settings?: RequestSettings): Promise<Result<'changePassword'>> {
    return send('put', '/api/auth/me/password', { body, ...settings })
  },

  /** The new address gets a mail, and counts when it is confirmed. */
  async changeEmail (body: Schemas['EmailChange'], settings?: RequestSettings): Promise<Result<'changeEmail'>> {
    return send('put', '/api/auth/me/email', { body, ...settings })
  },

  /** Deletes the account with all its tasks, for good. Nobody is logged in then. */
  async remove (body: Schemas['AccountDeletion'], settings?: RequestSettings): Promise<Result<'deleteMe'>> {
    const result = await send('post', '/api/auth/me/delete', { body, ...settings })
    if (result.ok) await leave()
    return result
  },

  /** The account with all its tasks, as JSON that is not read yet: `response.blob()`, or `body` as it comes. */
  export: download,

  /** A mail with a link to a new password, if there is such an account. */
  async requestPasswordReset (email: string, settings?: RequestSettings): Promise<Result<'requestPasswordReset'>> {
    return send('post', '/api/auth/password-reset', { body: { email }, ...settings })
  },

  /** Every session ends. */
  async resetPassword (body: Schemas['PasswordReset'], settings?: RequestSettings): Promise<Result<'resetPassword'>> {
    return send('post', '/api/auth/password-reset/confirm', { body, ...settings })
  },

  /** The mail that confirms the email, once more. */
  async requestVerification (settings?: RequestSettings): Promise<Result<'requestEmailVerification'>> {
    return send('post', '/api/auth/email-verification', settings)
  },

  /** By the token of a mail; the second time is as good as the first. */
  async confirmEmail (token: string, settings?: RequestSettings): Promise<Result<'confirmEmail'>> {
    return send('post', '/api/auth/email-verification/confirm', { body: { token }, ...settings })
  }
})

/**
 * Where one is logged in.
 * @param leave is called when the session that asks has ended, too
 */
export const sessionsOf = (send: Send, leave: () => Promise<void>) => ({
  /** Last used first. */
  async list (settings?: RequestSettings): Promise<Result<'listSessions'>> {
    return send('get', '/api/auth/sessions', settings)
  },

  async end (id: string, settings?: RequestSettings): Promise<Result<'endSession'>> {
    return send('delete', '/api/auth/sessions/{session_id}', { params: { path: { session_id: id } }, ...settings })
  },

  async endAll ({ exceptCurrent = false, ...settings }: EndAllSettings = {}): Promise<Result<'endSessions'>> {
    const result = await send('delete', '/api/auth/sessions', { params: { query: { except_current: exceptCurrent } }, ...settings })
    if (result.ok && !exceptCurrent) await leave()
    return result
  }
})

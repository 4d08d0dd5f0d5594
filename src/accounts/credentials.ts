import { ApiError, ValidationFailed } from '../errors/api-error.js'
import type { Account } from '../repositories/users.js'
import { tokenIssue } from '../schemas/accounts.js'
import type { User } from '../schemas/auth.js'
import type { Links } from './links.js'
import type { AccountServices } from './login.js'
import type { Client } from './passwords.js'

/** The caller, from the claims of the access token. */
export interface Caller { sub: string, sid?: string }

/** @throws ValidationFailed: the token of a mail is invalid, expired or used */
function badToken (): never {
  throw new ValidationFailed([{ loc: ['body', 'token'], ...tokenIssue }])
}

/** Changes of name, password and email; deletion of the account. */
export function credentialsWith ({ users, passwords, sessions, post }: AccountServices, links: Links) {
  /** @throws INVALID_CREDENTIALS when the account is gone, WRONG_PASSWORD */
  async function verified ({ sub }: Caller, password: string, client: Client): Promise<Account> {
    const account = await users.findAccount(sub)
    if (!account) throw new ApiError('INVALID_CREDENTIALS')
    if (!await passwords.verify(account.hash, password, client)) throw new ApiError('WRONG_PASSWORD')
    return account
  }

  return {
    /**
     * Changes the password, and ends every other session.
     * @throws WRONG_PASSWORD; INVALID_CREDENTIALS also when another change comes first
     */
    async changePassword (caller: Caller, current: string, next: string, client: Client): Promise<void> {
      const { user, version } = await verified(caller, current, client)
      const changed = await users.changePassword(user.id, version, await passwords.hash(next, client), caller.sid ?? null)
      if (changed === null) throw new ApiError('INVALID_CREDENTIALS')
      await sessions.endOutdated(user.id, changed)
      post.tellOfPassword(user)
    },

    /** Sends a link to set a new password if the account exists; the time of the answer does not reveal that. */
    async requestReset (email: string): Promise<() => Promise<void>> {
      post.requireAvailable()
      const account = await users.findLogin(email)
      return async () => { await post.reset(email, account) }
    },

    /** Sets the password, and ends every session. @throws ValidationFailed */
    async reset (token: string, next: string, client: Client): Promise<void> {
      const reset = links.readReset(token) ?? badToken()
      const account = await users.findAccount(reset.owner)
      if (!account || account.version !== reset.version || account.user.email !== reset.email) badToken()
      const changed = await users.resetPassword(reset.owner, reset.version, await passwords.hash(next, client)) ?? badToken()
      await sessions.endOutdated(reset.owner, changed)
      post.tellOfPassword(account.user)
    },

    /**
     * Sends a link to a new email, which takes effect when the link is used.
     * @throws WRONG_PASSWORD, EMAIL_TAKEN
     */
    async changeEmail (caller: Caller, email: string, password: string, client: Client): Promise<() => Promise<void>> {
      post.requireAvailable()
      const { user, version } = await verified(caller, password, client)
      const other = await users.findLogin(email)
      if (other && other.user.id !== user.id) throw new ApiError('EMAIL_TAKEN')
      return async () => { await post.confirmNew(user, email, version) }
    },

    /** Sends the link that confirms the present email once more. @throws INVALID_CREDENTIALS when the account is gone */
    async requestConfirmation ({ sub }: Caller): Promise<() => Promise<void>> {
      post.requireAvailable()
      const user = await users.find(sub)
      if (!user) throw new ApiError('INVALID_CREDENTIALS')
      return async () => { if (!user.email_verified) await post.confirm(user) }
    },

    /** Confirms an email; a new one takes effect. @throws ValidationFailed, EMAIL_TAKEN */
    async confirmEmail (token: string): Promise<void> {
      const { owner, from, email, version = null } = links.readConfirmation(token) ?? badToken()
      const user = await users.find(owner) ?? badToken()
      // The link was used before.
      if (user.email === email && user.email_verified) return
      const is = await users.confirmEmail(owner, { from, email, version })
      if (is === null) throw new ApiError('EMAIL_TAKEN')
      if (!is) badToken()
      if (user.email !== email) post.tellOfEmail(user, email)
    },

    /** Deletes the account and everything that belongs to it. @throws WRONG_PASSWORD */
    async remove (caller: Caller, password: string, client: Client): Promise<void> {
      const { user } = await verified(caller, password, client)
      await sessions.endAll(user.id)
      await users.remove(user.id)
    },

    /** @throws INVALID_CREDENTIALS when the account is gone */
    async rename ({ sub }: Caller, name: string): Promise<User> {
      const user = await users.rename(sub, name)
      if (!user) throw new ApiError('INVALID_CREDENTIALS')
      return user
    },

    /** @throws INVALID_CREDENTIALS when the account is gone */
    async find ({ sub }: Caller): Promise<User> {
      const user = await users.find(sub)
      if (!user) throw new ApiError('INVALID_CREDENTIALS')
      return user
    }
  }
}
export type Credentials = ReturnType<typeof credentialsWith>

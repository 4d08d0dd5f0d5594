import { ApiError } from '../errors/api-error.js'
import type { User } from '../schemas/auth.js'
import type { Links } from './links.js'
import type { Mail, Mails } from './mails.js'

/** What the mails need. */
export interface PostOptions {
  mails: Mails
  links: Links
  /** Sends a mail, or shows it to somebody; null where neither can be done. */
  send: ((mail: Mail) => void) | null
  /** Counts one more mail to an address. @returns whether it may go out */
  mayWriteTo: (email: string) => Promise<boolean>
}

/** An account and the version of its password. */
interface Resettable { user: User, version: number }

/** The mails of an account: those that its owner asks for, which are limited, and notifications. */
export function post ({ mails, links, send, mayWriteTo }: PostOptions) {
  const isAvailable = send !== null
  const tell = (mail: Mail) => { send?.(mail) }

  return {
    isAvailable,

    /** @throws MAIL_UNAVAILABLE */
    requireAvailable (): void {
      if (!isAvailable) throw new ApiError('MAIL_UNAVAILABLE')
    },

    /** Welcomes a new user with the link that confirms the email. */
    welcome (user: User): void {
      tell(mails.confirmEmail(user, links.toConfirm({ owner: user.id, from: user.email, email: user.email })))
    },

    /** Sends that link again. */
    async confirm (user: User): Promise<void> {
      if (await mayWriteTo(user.email)) this.welcome(user)
    },

    /** The link that confirms another email, which the user wants. @param version of the password that was verified */
    async confirmNew (user: User, email: string, version: number): Promise<void> {
      if (!await mayWriteTo(email)) return
      tell(mails.confirmEmail({ ...user, email }, links.toConfirm({ owner: user.id, from: user.email, email, version })))
    },

    /** @param account that has the email; null when none has */
    async reset (email: string, account: Resettable | null): Promise<void> {
      if (!await mayWriteTo(email) || !account) return
      const { user, version } = account
      tell(mails.resetPassword(user, links.toReset({ owner: user.id, email: user.email, version })))
    },

    tellOfPassword (user: User): void { tell(mails.passwordChanged(user)) },

    /** @param user as it was, with the old address */
    tellOfEmail (user: User, email: string): void { tell(mails.emailChanged(user, email)) },

    tellOfTheft (user: User): void { tell(mails.tokenStolen(user)) }
  }
}
export type Post = ReturnType<typeof post>

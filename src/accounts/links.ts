import { signed } from './signed.js'

/** What a link to a new password says: of which account, and of which email and password of it. */
export interface Reset { owner: string, email: string, version: number }

/**
 * What a link that confirms an email says: which one, and which one the account has had. One for a new email also says of which
 * password: whoever has lost the password to somebody else takes that link back by changing it.
 */
export interface Confirmation { owner: string, from: string, email: string, version?: number }

/** Seconds that the links are good for. */
const RESET_LIFE = 30 * 60
const CONFIRMATION_LIFE = 3 * 24 * 3600

/**
 * Links in mails. What they carry is in the fragment, which no log of a server sees, and only a POST of the front end uses it:
 * programs that look through mails open links. (OWASP Forgot Password Cheat Sheet)
 * @param appUrl where the front end is
 * @param secrets the present one, and those before it that still verify
 * @param now milliseconds since 1970
 */
export function links (appUrl: string, secrets: string[], now: () => number) {
  const resets = expiring<Reset>('password reset', RESET_LIFE)
  const confirmations = expiring<Confirmation>('email confirmation', CONFIRMATION_LIFE)

  function expiring<Content> (purpose: string, life: number) {
    const tokens = signed<Content & { exp: number }>(purpose, secrets)
    return {
      sign: (content: Content) => tokens.sign({ ...content, exp: now() / 1000 + life }),
      read (token: string): Content | null {
        const content = tokens.read(token)
        return content && content.exp > now() / 1000 ? content : null
      }
    }
  }

  return {
    toReset: (reset: Reset) => `${appUrl}#reset_password=${resets.sign(reset)}`,
    toConfirm: (confirmation: Confirmation) => `${appUrl}#verify_email=${confirmations.sign(confirmation)}`,
    /** @returns what a token of such a link says; null for one that is not good, or not any more */
    readReset: resets.read,
    readConfirmation: confirmations.read
  }
}
export type Links = ReturnType<typeof links>

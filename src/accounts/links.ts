import { signed } from './signed.js'

/** The content of a reset link: the account, its email and the version of its password. */
export interface Reset { owner: string, email: string, version: number }

/**
 * The content of a confirmation link: the email and the account's email before. For a new email also the version of the password:
 * an owner whose password was stolen invalidates the thief's link by changing it.
 */
export interface Confirmation { owner: string, from: string, email: string, version?: number }

/** Lives of the links in seconds. */
const RESET_LIFE = 30 * 60
const CONFIRMATION_LIFE = 3 * 24 * 3600

/**
 * Links in mails. What they carry is in the fragment, which no log of a server sees, and only a POST of the front end uses it:
 * mail scanners open links. (OWASP Forgot Password Cheat Sheet)
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
    /** @returns the content of such a link's token; null for one that is invalid or expired */
    readReset: resets.read,
    readConfirmation: confirmations.read
  }
}
export type Links = ReturnType<typeof links>

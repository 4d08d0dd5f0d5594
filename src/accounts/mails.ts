/** A mail to one address, the same in text and in HTML. */
export interface Mail { to: string, subject: string, text: string, html: string }

/** The recipient: address and name. */
interface Addressee { email: string, name: string }

/** Code points of a name in a greeting. */
const MAX_NAME = 60

/**
 * A greeting. Anybody may sign up with the address of somebody else, and a name that is an advertisement: one that could be read
 * as a link is left out.
 */
function greeting (name: string): string {
  const plain = name.replaceAll(/[\p{Cc}\p{White_Space}]+/gu, ' ').trim()
  return /[.:/@\\]/.test(plain) || [...plain].length > MAX_NAME ? 'Hello,' : `Hello ${plain},`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string) => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!)

/** @param paragraphs of plain text; one that is a link stands alone */
function mail (to: Addressee, subject: string, paragraphs: string[]): Mail {
  const all = [greeting(to.name), ...paragraphs]
  const html = all.map((paragraph) => {
    const text = escaped(paragraph)
    return `<p>${/^https?:\S+$/.test(paragraph) ? `<a href="${text}">${text}</a>` : text}</p>`
  })
  return { to: to.email, subject, text: `${all.join('\n\n')}\n`, html: `<!doctype html>\n<html lang="en"><body>\n${html.join('\n')}\n</body></html>\n` }
}

/** The mails. @param title what the product is called */
export const mailsOf = (title: string) => ({
  confirmEmail: (to: Addressee, link: string) => mail(to, `Confirm your email address for ${title}`, [
    `Please confirm that this address is yours, and that you want to use it for ${title}. The link is good for 3 days:`,
    link,
    'If you did not sign up, you need not do anything.'
  ]),
  resetPassword: (to: Addressee, link: string) => mail(to, `Set a new password for ${title}`, [
    'Somebody, most likely you, asked for a new password. The link is good for 30 minutes:',
    link,
    'If it was not you, you need not do anything: your password stays as it is.'
  ]),
  passwordChanged: (to: Addressee) => mail(to, `Your password for ${title} has changed`, [
    'Your password was changed, and all other devices are logged out.',
    'If it was not you, ask for a new password at once.'
  ]),
  emailChanged: (to: Addressee, email: string) => mail(to, `Your email address for ${title} has changed`, [
    `Your account now has the address ${email}. This one is not used any more.`,
    'If it was not you, somebody else has your password.'
  ]),
  tokenStolen: (to: Addressee) => mail(to, `A device was logged out of ${title}`, [
    'An old key to your account was used once more. Somebody may have copied it, so that one device was logged out.',
    'Log in again there. If that happens more than once, change your password.'
  ])
})
export type Mails = ReturnType<typeof mailsOf>

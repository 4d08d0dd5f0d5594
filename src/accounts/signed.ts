import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** Signed texts. */
export interface Signed<Content> {
  sign: (content: Content) => string
  /** @returns the content; null for a text that none of the keys has signed for this purpose */
  read: (text: string) => Content | null
}

/**
 * Signs with a key of its own for each purpose, so that no text is valid for another one. (RFC 5869 §3.2; RFC 2104)
 * @param purpose what the texts are for
 * @param secrets the first one signs; those after it only verify, so that changing the key invalidates nothing
 */
export function signed<Content> (purpose: string, secrets: string[]): Signed<Content> {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', `todo-backend: ${purpose}`, 32)))
  const mac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest('base64url')
  const isSame = (one: string, other: string) =>
    one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
  return {
    sign (content) {
      const text = Buffer.from(JSON.stringify(content)).toString('base64url')
      return `${text}.${mac(keys[0]!, text)}`
    },

    read (token) {
      const [, text, signature] = /^([\w-]+)\.([\w-]{43})$/.exec(token) ?? []
      if (text === undefined || !keys.some((key) => isSame(mac(key, text), signature!))) return null
      return JSON.parse(Buffer.from(text, 'base64url').toString()) as Content
    }
  }
}

import { isIP } from 'node:net'

/** Whether the URL's scheme is one that the server supports. The rest is checked when the database is connected. */
export const isDatabase = (text: string): boolean => /^pglite:./.test(text) || isPostgres(text)

/** Whether it is the URL of a PostgreSQL server. */
export const isPostgres = (text: string): boolean => /^postgres(ql)?:/i.test(text)

/** Whether a Redis URL can be parsed, with its credentials. A later error would quote the password. */
export function isRedisUrl (text: string): boolean {
  try {
    const { protocol, username, password, host } = new URL(text)
    decodeURIComponent(username + password)
    return ['redis:', 'rediss:'].includes(protocol) && host !== ''
  } catch {
    return false
  }
}

/** Whether each is an address, a network, or a name that Fastify's `trustProxy` knows. */
export function areProxies (text: string): boolean {
  return text.split(',').every((part) => {
    const [address = '', prefix, ...rest] = part.trim().split('/')
    if (['loopback', 'linklocal', 'uniquelocal'].includes(part.trim())) return true
    const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!
    return rest.length === 0 && bits > 0 && (prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits))
  })
}

/** Schemes whose pages have no such origin. (URL Standard, "origin") */
const WITHOUT_ORIGIN = /^(ftp|wss?|file|blob|data|about|javascript):/

/** Whether it is `*`, or each is an origin as a browser writes it: no other would ever be equal. (URL Standard §4.7) */
export function areOrigins (text: string): boolean {
  return text === '*' || text.split(',').every((part) => {
    const origin = part.trim()
    if (!/^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._:[\]-]+$/.test(origin) || WITHOUT_ORIGIN.test(origin) || !URL.canParse(origin)) return false
    const { protocol, host } = new URL(origin)
    return host !== '' && origin === `${protocol}//${host}`
  })
}

/** Where mails are handed in: `smtp:` or `smtps:`, and a host. */
export const isSmtpUrl = (text: string): boolean => /^smtps?:\/\/[^/?#\s]+\/?(\?\S*)?$/i.test(text) && URL.canParse(text)

/** Where a front end is: no fragment, which is what links add. */
export const isWebUrl = (text: string): boolean => /^https?:\/\/[^#\s]+$/i.test(text) && URL.canParse(text)

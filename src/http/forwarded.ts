import type { IncomingHttpHeaders } from 'node:http'

/** An item of a list, in which a comma may stand between quotes. */
const ITEM = /(?:"(?:\\.|[^"\\])*"|[^",])+/g

/** Of an item, whom the proxy has spoken with. (RFC 7239 §5.2) */
const FOR = /(?:^|;)\s*for\s*=\s*("(?:\\.|[^"\\])*"|[^;\s]*)/i

/** An address, with brackets around IPv6, and a port: Azure writes it to X-Forwarded-For too. (RFC 7239 §6) */
const WITH_PORT = /^\[([^\]]+)\](?::[^:]*)?$|^([\d.]+):[^:]*$/

function addressIn (node: string): string {
  const bare = node.trim().replace(/^"(.*)"$/, '$1')
  const [, six, four = bare] = WITH_PORT.exec(bare) ?? []
  return six ?? four
}

/**
 * Through whom a request has come, as its proxies tell.
 * @returns the addresses without ports and brackets, the last proxy's client last, as for X-Forwarded-For; undefined without any.
 *   Of two headers that one counts: most proxies write it, and let through whatever Forwarded a client has made up
 */
export function forwardedFor ({ 'x-forwarded-for': plain, forwarded }: IncomingHttpHeaders): string | undefined {
  if (plain !== undefined) return String(plain).split(',').map(addressIn).join(', ')
  return forwarded?.match(ITEM)?.map((item) => addressIn(FOR.exec(item)?.[1] ?? 'unknown')).join(', ')
}

import type { IncomingHttpHeaders } from 'node:http'

/** An item of a list, in which a comma may stand between quotes. */
const ITEM = /(?:"(?:\\.|[^"\\])*"|[^",])+/g

/** The `for` parameter of an item: the proxy's client. (RFC 7239 §5.2) */
const FOR = /(?:^|;)\s*for\s*=\s*("(?:\\.|[^"\\])*"|[^;\s]*)/i

/** An address, with brackets around IPv6, and a port: Azure writes it to X-Forwarded-For too. (RFC 7239 §6) */
const WITH_PORT = /^\[([^\]]+)\](?::[^:]*)?$|^([\d.]+):[^:]*$/

function addressIn (node: string): string {
  const bare = node.trim().replace(/^"(.*)"$/, '$1')
  const [, six, four = bare] = WITH_PORT.exec(bare) ?? []
  return six ?? four
}

/**
 * The addresses that a request has passed through, as its proxies report them.
 * @returns the addresses without ports and brackets, the last proxy's client last, as in X-Forwarded-For; undefined when
 *   neither header is there.
 *   X-Forwarded-For wins over Forwarded: most proxies set it, and pass on a Forwarded that a client has made up
 */
export function forwardedFor ({ 'x-forwarded-for': plain, forwarded }: IncomingHttpHeaders): string | undefined {
  if (plain !== undefined) return String(plain).split(',').map(addressIn).join(', ')
  return forwarded?.match(ITEM)?.map((item) => addressIn(FOR.exec(item)?.[1] ?? 'unknown')).join(', ')
}

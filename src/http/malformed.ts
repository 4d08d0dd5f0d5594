import type { IncomingMessage } from 'node:http'

/**
 * Whether a request is malformed in a way that Node accepts, or refuses only with an empty body. A request has at most one Host,
 * in HTTP/1.1 exactly one (RFC 9112 §3.2); `*` is for OPTIONS (§3.2.4), and the router would take it for `/`.
 */
export function isMalformed ({ httpVersion, method, rawHeaders: fields, url }: IncomingMessage): boolean {
  let hosts = 0
  for (let at = 0; at < fields.length; at += 2) if (fields[at]!.length === 4 && fields[at]!.toLowerCase() === 'host') hosts++
  return hosts > 1 || (hosts === 0 && httpVersion === '1.1') || (url === '*' && method !== 'OPTIONS')
}

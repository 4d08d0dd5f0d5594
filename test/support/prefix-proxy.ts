import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { teardown } from './teardown.js'

/**
 * A reverse proxy that serves a server below a prefix and hands its answers on as they are.
 * @param target the server's base URL
 * @param prefix what it takes off each path; it serves nothing else
 * @returns the base URL of the server, by way of the proxy
 */
export async function prefixProxy (t: Test, target: string, prefix: string): Promise<string> {
  const proxy = createServer((incoming, answer) => {
    const { url = '', method, headers } = incoming
    if (!url.startsWith(`${prefix}/`)) return answer.writeHead(404).end()
    const forwarded = request(target + url.slice(prefix.length), { method, headers }, (given) => {
      given.pipe(answer.writeHead(given.statusCode!, given.rawHeaders))
    })
    forwarded.on('error', () => { answer.destroy() })
    incoming.pipe(forwarded)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  teardown(t, () => { proxy.close().closeAllConnections() })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${prefix}`
}

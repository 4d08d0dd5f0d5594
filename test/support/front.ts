import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import { teardown } from './teardown.js'

/** The path of a certificate or key of the tests: of an authority, a server (localhost, 127.0.0.1), a client. Good until 2126. */
export const certificate = (name: string) => fileURLToPath(new URL(`certificates/${name}`, import.meta.url))

// PostgreSQL documentation, "Frontend/Backend Protocol": the code of an SSLRequest.
const SSL_REQUEST = 80_877_103

/** How it differs from the database. */
interface Options {
  /** What a client that asks for TLS gets: S is yes, N is no; with anything else it ends. */
  answer?: string
  /** Where it listens: a socket's file, or an address; 127.0.0.1 when absent. */
  path?: string
  /** What it says in place of UTF8: as long a name. */
  encoding?: string
}

/** How many connections came, and how many of them with TLS. */
export interface Front { port: number, counts: { all: number, tls: number } }

/**
 * Another way to a database, as other servers offer it.
 * @param url the database's; it has no TLS
 */
export async function frontOf (t: Test, url: string, { answer = 'N', path = '127.0.0.1', encoding = 'UTF8' }: Options = {}): Promise<Front> {
  const { hostname, port } = new URL(url)
  const counts = { all: 0, tls: 0 }
  const open = new Set<Socket>()
  const keep = (socket: Socket) => {
    open.add(socket)
    return socket.on('error', () => {}).on('close', () => { open.delete(socket) })
  }

  function join (client: Socket, first?: Buffer): void {
    const upstream = keep(connect(Number(port), hostname))
    if (first) upstream.write(first)
    client.on('close', () => { upstream.destroy() }).pipe(upstream)
    upstream.on('close', () => { client.destroy() }).on('data', (chunk: Buffer) => {
      client.write(chunk.toString('latin1').replaceAll('UTF8', encoding), 'latin1')
    })
  }

  const server = createServer((client) => {
    counts.all++
    keep(client).once('data', (first) => {
      if (first.readInt32BE(4) !== SSL_REQUEST) return join(client, first)
      client.write(answer)
      if (answer === 'N') join(client)
      else if (answer === 'S') {
        const secured = new TLSSocket(client, {
          isServer: true, key: readFileSync(certificate('server.key')), cert: readFileSync(certificate('server.crt'))
        })
        secured.on('error', () => {}).on('secure', () => { counts.tls++ })
        join(secured)
      } else client.end()
    })
  })
  await once(path.startsWith('/') ? server.listen(path) : server.listen(0, path), 'listening')
  teardown(t, () => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, counts }
}

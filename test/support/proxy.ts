import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What becomes of a new connection: it reaches the database, it gets no answer, or it is closed at once, or told why before. */
export type Fate = 'pass' | 'stall' | 'hang up' | 'dismiss'

/** A proxy in front of a database, which a test can break. */
export interface Proxy {
  /** The database's URL, by way of the proxy. */
  url: string
  /** How many connections have come since the start. */
  connections: () => number
  /** Decides about new connections; the open ones go on as they are. */
  treat: (fate: Fate) => void
  /** Lets nothing through on the open connections any more. @returns resolves when something was sent and dropped */
  silence: () => Promise<unknown>
  /** Cuts the open connections. */
  cut: () => void
  /** Ends the open connections as PostgreSQL does that is told to stop. */
  dismiss: () => void
  /** Nothing listens any more; the open connections go on as they are. */
  refuse: () => void
  /** Listens again, on the same port. */
  accept: () => Promise<void>
}

// PostgreSQL documentation, "Message Formats": ErrorResponse
const FAREWELL = Buffer.from('E\0\0\0\x20SFATAL\0VFATAL\0C57P01\0Mstop\0\0', 'latin1')

/**
 * A TCP proxy in front of a database.
 * @param url the database's
 */
export async function proxyTo (url: string): Promise<Proxy> {
  const target = new URL(url)
  const clients = new Set<Socket>()
  let connections = 0
  let fate: Fate = 'pass'

  const server = createServer((client) => {
    connections++
    keep(client)
    if (fate === 'stall') client.resume()
    else if (fate === 'hang up') client.resume().end()
    else if (fate === 'dismiss') client.resume().end(FAREWELL)
    else {
      const upstream = connect(Number(target.port), target.hostname)
      join(client, upstream)
      join(upstream, client)
    }
  })

  function keep (client: Socket): void {
    clients.add(client)
    client.on('error', () => {}).on('close', () => { clients.delete(client) })
  }

  function join (from: Socket, to: Socket): void {
    from.on('error', () => {}).on('close', () => { to.destroy() }).pipe(to)
  }

  async function accept (port: number): Promise<number> {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }

  const port = await accept(0)
  const through = new URL(url)
  through.host = `127.0.0.1:${port}`

  return {
    url: through.href,
    connections: () => connections,
    treat (next) { fate = next },
    silence: async () => new Promise((resolve) => {
      for (const client of clients) client.unpipe().once('data', resolve).resume()
    }),
    cut () { for (const client of clients) client.destroy() },
    dismiss () { for (const client of clients) client.end(FAREWELL) },
    refuse () { server.close() },
    accept: async () => { await accept(port) }
  }
}

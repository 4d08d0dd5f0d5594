import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { ConnectionString, Host } from './connection-string.js'
import { DatabaseUnavailable } from './errors.js'

/** PostgreSQL documentation, "Message Formats": SSLRequest, and its two answers. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const YES = Buffer.from('S')
const NO = Buffer.from('N')

/**
 * What connects the driver. By itself it hangs where TLS is wanted and there is none, and tries for ever, without a pause, where
 * none of several hosts listens.
 * @param connection which hosts, with or without TLS
 * @param timeout milliseconds for each host
 * @param takes whether a host will do; any that can be reached, when absent
 * @returns opens a connection to the first host that will do, beginning with the one that did last
 */
export function socketsTo (
  { hosts, tls, tlsOptions }: Pick<ConnectionString, 'hosts' | 'tls' | 'tlsOptions'>,
  timeout: number,
  takes?: (host: Host) => Promise<boolean>
): () => Promise<Duplex> {
  let first = 0

  /** @param opened gets every socket on the way */
  async function attempt (host: Host, opened: Socket[]): Promise<Socket> {
    if (takes && !await takes(host)) throw new DatabaseUnavailable('takes no writes')
    const { name, address = name, port } = host
    const isFolder = name.startsWith('/')
    const reach = async () => {
      const socket = isFolder ? connectTcp(`${name}/.s.PGSQL.${port}`) : connectTcp(port, address)
      opened.push(socket)
      await next(socket, 'connect')
      return socket
    }
    const socket = await reach()
    if (tls === 'disable' || isFolder) return socket
    socket.write(SSL_REQUEST)
    const answer = await next(socket, 'data') as Buffer
    if (tls === 'prefer' && answer.equals(NO)) return socket
    try {
      // One byte and no more: what follows it unencrypted is not the server's (CVE-2021-23222).
      if (!answer.equals(YES)) throw new DatabaseUnavailable('no TLS')
      const secured = connectTls({ ...tlsOptions, socket, host: name, ...(!isIP(name) && { servername: name }) })
      await next(secured, 'secureConnect')
      return secured
    } catch (error) {
      if (tls === 'require') throw error
      socket.destroy()
      return await reach()
    }
  }

  /** @throws DatabaseUnavailable, in time */
  async function open (host: Host): Promise<Socket> {
    const opened: Socket[] = []
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      // Not before the network has been looked at: a process that was busy itself may find the answer there.
      timer = setTimeout(() => setImmediate(() => { reject(new DatabaseUnavailable('CONNECT_TIMEOUT')) }), timeout)
    })
    try {
      return await Promise.race([late, attempt(host, opened)]).finally(() => { clearTimeout(timer) })
    } catch (error) {
      for (const socket of opened) socket.destroy()
      const { code, message } = error as NodeJS.ErrnoException
      throw error instanceof DatabaseUnavailable ? error : new DatabaseUnavailable(code ?? message)
    }
  }

  return async () => {
    const reasons = []
    for (let tries = 0; tries < hosts.length; tries++) {
      const i = first
      try {
        return await open(hosts[i]!)
      } catch (error) {
        reasons.push((error as DatabaseUnavailable).reason)
        // At once: the caller may give up before the next host is reached, and must not begin with this one again.
        first = (i + 1) % hosts.length
      }
    }
    return failed(new DatabaseUnavailable(reasons.join(', ')))
  }
}

/** A connection that fails when it is used: the driver never comes back to one that was not made. */
const failed = (why: Error) => new Duplex({ read () {}, write (_chunk, _encoding, done) { done(why) } })

/** Waits for an event. @throws what the socket fails with, also when it is closed without an error */
const next = async (socket: Socket, event: string) => new Promise<unknown>((resolve, reject) => {
  socket.once(event, resolve).on('error', reject).once('close', () => { reject(new DatabaseUnavailable('CONNECTION_CLOSED')) })
})

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Milliseconds after which a connection that neither answers nor closes fails the test. */
const PATIENCE = 5000

/** An answer as it stood on the wire. Header names are in lower case. */
export interface RawAnswer { status: number, headers: Record<string, string>, text: string }

/** Starts to listen on a free port of this machine. @returns the port */
export async function listen (app: FastifyInstance): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** A client that says exactly what it is told, well-formed or not. */
export function rawClient (port: number) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let received = Buffer.alloc(0)
  socket.on('data', (chunk) => { received = Buffer.concat([received, chunk]) })
  // A server that closes early resets what is still on its way to it; what it said before is what counts.
  socket.on('error', () => {})
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error('timed out')))
  const closed = new Promise<boolean>((resolve) => socket.on('close', () => { resolve(true) }))
  let timedOut = false
  socket.on('timeout', () => { timedOut = true })

  return {
    closed,
    write: (bytes: string | Buffer) => { socket.write(bytes) },
    /** The next bytes have come. */
    more: async () => { await once(socket, 'data') },
    received: () => received,
    /** Reads nothing from now on. */
    pause: () => { socket.pause() },
    end: () => { socket.destroy() },
    /** Resets the connection, as when a program is killed with unread data. */
    reset: () => { socket.resetAndDestroy() },
    /** Waits until the server closes. @returns every answer it gave, in order */
    async answers (): Promise<RawAnswer[]> {
      await closed
      if (timedOut) throw new Error(`the server neither answered nor closed after: ${received.toString('latin1').slice(0, 200)}`)
      return parseAnswers(received)
    }
  }
}

/** Sends bytes on a connection of its own. @returns every answer until the server closes it */
export async function exchange (port: number, ...bytes: Array<string | Buffer>): Promise<RawAnswer[]> {
  const client = rawClient(port)
  for (const part of bytes) client.write(part)
  return client.answers()
}

/** A request as text: a start line, its headers, and a body. */
export const request = (start: string, headers: string[] = [], body = '') => [start, ...headers, '', body].join('\r\n')

/** Reads answers that stand one after the other (RFC 9112 §6.3). @throws when anything else is between them */
function parseAnswers (bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = []
  for (let rest = bytes; rest.length > 0;) {
    const end = rest.indexOf('\r\n\r\n')
    const [start = '', ...fields] = rest.subarray(0, end).toString('latin1').split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(start)?.[1])
    if (end < 0 || !status) throw new Error(`not an answer: ${rest.toString('latin1').slice(0, 200)}`)
    const headers = Object.fromEntries(fields.map((field) => {
      const [name = '', ...value] = field.split(': ')
      return [name.toLowerCase(), value.join(': ')]
    }))
    const length = status < 200 || [204, 304].includes(status) ? 0 : Number(headers['content-length'])
    if (!(end + 4 + length <= rest.length)) throw new Error(`Content-Length is not right: ${rest.toString('latin1').slice(0, 400)}`)
    answers.push({ status, headers, text: rest.subarray(end + 4, end + 4 + length).toString() })
    rest = rest.subarray(end + 4 + length)
  }
  return answers
}

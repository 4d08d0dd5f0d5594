import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'
import { teardown } from './teardown.js'

/** What stands for a pooler in transaction mode, where a real one is not installed. */
export interface Pooler {
  /** The database's URL, by way of it. */
  url: string
  /** What becomes of settings that it does not know: the connection is refused, or they are dropped. */
  treat: (fate: 'refuse' | 'drop') => void
  /** What new sessions have by themselves, as of their role: `name\0value\0`. */
  prefer: (settings: string) => void
  /** Keeps so many answers, the next ones, until their statements are cancelled. */
  hold: (answers: number) => void
  /** Cancels the next statement, as a request does that comes late. */
  cancelNext: () => void
  /** How many requests to cancel have come, and how many of them named a connection. */
  requests: () => { all: number, known: number }
}

// PostgreSQL documentation, "Message Formats": the first messages of a connection have a code and no type.
const STARTUP = 196_608
const CANCEL_REQUEST = 80_877_102
const READY = 'Z'.charCodeAt(0)
const KEY = 'K'.charCodeAt(0)
const BIND_COMPLETE = '2'.charCodeAt(0)

/** What PgBouncer passes on, beside who wants which database. */
const TRACKED = ['user', 'database', 'application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings']

const message = (type: string, body: string) => {
  const text = Buffer.from(body)
  const head = Buffer.from(`${type}\0\0\0\0`)
  head.writeUInt32BE(text.length + 4, 1)
  return Buffer.concat([head, text])
}
const failure = (code: string) => message('E', `SERROR\0VERROR\0C${code}\0Mof the pooler\0\0`)

/** @param url the database's */
export async function poolerTo (t: Test, url: string): Promise<Pooler> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  /** What cancels the statement of a connection, by its secret. */
  const connections = new Map<number, () => boolean>()
  const counts = { all: 0, known: 0 }
  let fate = 'refuse'
  let held = 0
  let isLate = false
  let preferred = ''

  const server = createServer((client) => {
    keep(client)
    client.once('data', (first: Buffer) => {
      if (first.readInt32BE(4) === CANCEL_REQUEST) {
        counts.all++
        if (connections.get(first.readUInt32BE(12))?.()) counts.known++
        client.destroy()
      } else begin(client, first)
    })
  }).listen(0, '127.0.0.1')

  function keep (socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => { sockets.delete(socket) })
  }

  function begin (client: Socket, startup: Buffer): void {
    const settings = [...startup.toString('utf8', 8).matchAll(/([^\0]+)\0([^\0]*)\0/g)]
    const known = settings.filter(([, name]) => TRACKED.includes(name!))
    if (known.length < settings.length && fate === 'refuse') return void client.end(failure('08P01'))
    const body = Buffer.from(`\0\0\0\0${known.map(([pair]) => pair).join('')}${preferred}\0`)
    body.writeInt32BE(STARTUP, 0)
    const head = Buffer.alloc(4)
    head.writeUInt32BE(body.length + 4, 0)
    const upstream = connect(Number(target.port), target.hostname)
    keep(upstream)
    upstream.on('close', () => { client.destroy() }).write(Buffer.concat([head, body]))
    client.on('close', () => { upstream.destroy() }).pipe(upstream)
    answer(client, upstream)
  }

  /** Passes answers on, each whole, and names the connection in the first by a key of its own. */
  function answer (client: Socket, upstream: Socket): void {
    const secret = connections.size + 1
    const kept: Buffer[] = []
    let rest = Buffer.alloc(0)
    let whole: Buffer[] = []
    let isNamed = false
    const cancelled = () => Buffer.concat([failure('57014'), message('Z', 'I')])
    connections.set(secret, () => kept.shift() !== undefined && client.write(cancelled()))
    upstream.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length > 4 && rest.length > rest.readUInt32BE(1)) {
        const one = rest.subarray(0, rest.readUInt32BE(1) + 1)
        rest = rest.subarray(one.length)
        if (!isNamed) name(one)
        // What the client waits for before it goes on is no whole answer.
        else if (whole.length === 0 && one[0] !== BIND_COMPLETE) client.write(one)
        else {
          whole.push(one)
          if (one[0] === READY) tell()
        }
      }
    })

    function name (one: Buffer): void {
      isNamed = one[0] === READY
      if (isNamed) client.write(Buffer.from([KEY, 0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 0, secret]))
      if (one[0] !== KEY) client.write(one)
    }

    function tell (): void {
      const all = Buffer.concat(whole)
      whole = []
      if (isLate) {
        isLate = false
        client.write(cancelled())
      } else if (held > 0) {
        held--
        kept.push(all)
      } else client.write(all)
    }
  }

  await once(server, 'listening')
  teardown(t, () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const through = new URL(url)
  through.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  through.searchParams.set('sslmode', 'disable')
  return {
    url: through.href,
    treat (next) { fate = next },
    prefer (settings) { preferred = settings },
    hold (answers) { held = answers },
    cancelNext () { isLate = true },
    requests: () => counts
  }
}

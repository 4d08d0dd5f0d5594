import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'
import { teardown } from './teardown.js'

/** A proxy in front of a database that can give a response to the wrong client. */
export interface Liar {
  /** The database's URL, by way of the liar. */
  url: string
  /** Exchanges the next two whole answers of a connection, of statements that it has prepared. */
  exchange: () => void
  /** Whether the other side has none of the statements that were prepared, as a pooler that always gives another session. */
  forget: (isForgetful: boolean) => void
  /** How many pairs have been exchanged. */
  exchanged: () => number
}

// PostgreSQL documentation, "Message Formats": each has a type and a length, and an answer ends with ReadyForQuery.
const READY = 'Z'.charCodeAt(0)
const BIND = 'B'.charCodeAt(0)
const BIND_COMPLETE = '2'.charCodeAt(0)

/** A proxy that speaks PostgreSQL's protocol well enough to lie in it. @param url the database's */
export async function liarTo (t: Test, url: string): Promise<Liar> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let isLying = false
  let exchanged = 0
  let isForgetful = false

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(from)
      from.on('error', () => {}).on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => { upstream.write(isForgetful ? renamed(chunk) : chunk) })

    let rest = Buffer.alloc(0)
    let answer: Buffer[] = []
    let held: Buffer | undefined
    upstream.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length > 4 && rest.length > rest.readUInt32BE(1)) {
        const message = rest.subarray(0, rest.readUInt32BE(1) + 1)
        rest = rest.subarray(message.length)
        // What the client waits for before it goes on is no whole answer.
        if (!isLying || (answer.length === 0 && message[0] !== BIND_COMPLETE)) client.write(message)
        else {
          answer.push(message)
          if (message[0] === READY) tell()
        }
      }
    })

    function tell (): void {
      const whole = Buffer.concat(answer)
      answer = []
      if (held) {
        client.write(Buffer.concat([whole, held]))
        isLying = false
        exchanged++
      }
      held = held ? undefined : whole
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  teardown(t, () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const through = new URL(url)
  through.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  // The answer to the question for it is no message.
  through.searchParams.set('sslmode', 'disable')
  return {
    url: through.href,
    exchange () { isLying = true },
    forget (next) { isForgetful = next },
    exchanged: () => exchanged
  }
}

/** Whole messages, in which no Bind names a statement that there is. */
function renamed (messages: Buffer): Buffer {
  for (let at = 0; at < messages.length; at += 1 + messages.readUInt32BE(at + 1)) {
    // The portal's name ends with a zero, then comes the statement's.
    if (messages[at] === BIND) messages.write('!', messages.indexOf(0, at + 5) + 1)
  }
  return messages
}

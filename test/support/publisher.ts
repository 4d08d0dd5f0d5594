import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** What a client sends: a command as a list of texts. (Redis serialization protocol, version 3) */
const COMMAND = /^\*(\d+)\r\n((?:\$\d+\r\n[^\r]*\r\n)+)/

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`

/** Passes messages on as Redis does, and knows nothing else. */
export interface Publisher {
  url: string
  /** Cuts all connections. @param isDeaf whether later subscriptions get no answer */
  cut: (isDeaf: boolean) => void
  /** How many subscriptions there were. */
  subscriptions: () => number
}

/** Starts one: for machines without Redis, and for what Redis does only under stress. */
export async function startPublisher (t: Test): Promise<Publisher> {
  const subscribers = new Map<Socket, string>()
  const sockets = new Set<Socket>()
  let deaf = false
  let subscriptions = 0

  function answerTo ([name = '', channel = '', message = '']: string[], socket: Socket): string {
    if (name === 'subscribe') {
      subscriptions++
      if (deaf) return ''
      subscribers.set(socket, channel)
      return `>3\r\n${bulk('subscribe')}${bulk(channel)}:1\r\n`
    }
    if (name === 'publish') {
      for (const [other, to] of subscribers) if (to === channel) other.write(`>3\r\n${bulk('message')}${bulk(channel)}${bulk(message)}`)
      return ':1\r\n'
    }
    if (name === 'hello') return `%1\r\n${bulk('proto')}:3\r\n`
    return name === 'info' ? bulk('redis_version:7.0.0') : '+OK\r\n'
  }

  const server = createServer((socket) => {
    let text = ''
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => { subscribers.delete(socket) }).setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (let found = COMMAND.exec(text); found; found = COMMAND.exec(text)) {
        const parts = found[2]!.split('\r\n').filter((_part, at) => at % 2 === 1).slice(0, Number(found[1]))
        text = text.slice(found[0].length)
        socket.write(answerTo([parts[0]!.toLowerCase(), ...parts.slice(1)], socket))
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const publisher: Publisher = {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut (isDeaf) {
      deaf = isDeaf
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    },
    subscriptions: () => subscriptions
  }
  t.teardown(() => {
    publisher.cut(true)
    server.close()
  })
  return publisher
}

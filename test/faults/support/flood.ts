import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Sample } from './load.js'

/** Milliseconds over which a flood begins. */
const RISE = 2000

/** Connections on which nothing is said, closed with the test. */
export async function openAll (t: Test, port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  t.teardown(() => { for (const socket of sockets) socket.destroy() })
  while (sockets.length < count) {
    const some = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => {}).resume())
    sockets.push(...some)
    await Promise.all(some.map(async (socket) => once(socket, 'connect')))
  }
  return sockets
}

/**
 * Sends one request again and again on many connections at once. It costs the sender as little as can be, because the
 * sender shares the machine with the server.
 * @param path of a GET
 * @param duration milliseconds
 */
export async function flood (
  t: Test, port: number, path: string, token: string, connections: number, duration: number
): Promise<Sample[]> {
  const request = `GET ${path} HTTP/1.1\r\nHost: flood\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const samples: Sample[] = []
  const sockets = await openAll(t, port, connections)
  const end = performance.now() + duration
  await Promise.all(sockets.map(async (socket, index) => {
    await sleep(RISE * Math.random())
    while (performance.now() < end) {
      const at = performance.now()
      socket.write(request)
      const answer = await answerOn(socket)
      const status = Number(answer?.slice(9, 12))
      const retryAfter = Number(/\r\nretry-after: ([1-9]\d*)\r\n/i.exec(answer ?? '')?.[1])
      const wrong = status === 503 && Number.isNaN(retryAfter) ? '503 without Retry-After' : undefined
      samples.push({ what: path, id: `flood-${index}`, outcome: answer ? status : 'cut', at, ms: performance.now() - at, wrong })
      if (!answer) return
      // When it was asked to, and not all at once.
      if (status === 503) await sleep(retryAfter * 1000 * (1 + Math.random()))
    }
  }))
  return samples
}

/** @returns the whole answer, or undefined when the connection ends before */
async function answerOn (socket: Socket): Promise<string | undefined> {
  return await new Promise((resolve) => {
    let text = ''
    const done = (answer?: string) => {
      socket.off('data', take).off('close', cut)
      resolve(answer)
    }
    const cut = () => { done() }
    const take = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      if (head >= 0 && text.length >= head + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1])) done(text)
    }
    socket.on('data', take).on('close', cut)
  })
}

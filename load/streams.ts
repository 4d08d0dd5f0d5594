import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Task } from '../src/schemas/tasks.js'
import type { Person } from './session.js'

/** Connections that are opened, and tasks that are made, at a time. */
const AT_ONCE = 100

/** What is written: the time at which it was sent, in milliseconds since 1970, by which whoever is told knows how old it is. */
const sentNow = () => `Sent at ${Date.now()}`
const SENT_AT = /"title":"Sent at (\d+)"/g

/** Streams that are open. */
export interface Streams {
  /** Milliseconds in which all were opened. */
  opening: number
  /** From when a change was sent until an event came, in milliseconds, since this was asked last. */
  delays: () => number[]
  /** How many have ended by themselves. */
  ended: () => number
  close: () => void
}

/**
 * Opens streams of events, by turns for each of some people. Bare sockets, which cost whoever drives as little as can be.
 * @throws Error when one is refused
 */
export async function openStreams (base: string, people: Person[], count: number): Promise<Streams> {
  const { hostname, port } = new URL(base)
  const sockets: Socket[] = []
  let delays: number[] = []
  let ended = 0

  async function open ({ authorization }: Person): Promise<void> {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    sockets.push(socket)
    socket.write(`GET /api/tasks/events HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: ${authorization}\r\n\r\n`)
    const [head] = await once(socket, 'data') as [Buffer]
    const status = head.toString('latin1', 9, 12)
    if (status !== '200') throw new Error(`a stream answers ${status}${status === '429' ? ': see MAX_STREAMS_PER_USER' : ''}`)
    socket.on('error', () => {}).on('close', () => { ended++ }).on('data', (chunk: Buffer) => {
      const now = Date.now()
      for (const [, sentAt] of chunk.toString('latin1').matchAll(SENT_AT)) delays.push(now - Number(sentAt))
    })
  }

  const begin = performance.now()
  for (let n = 0; n < count; n += AT_ONCE) {
    const length = Math.min(AT_ONCE, count - n)
    await Promise.all(Array.from({ length }, async (_, at) => open(people[(n + at) % people.length]!)))
  }
  return {
    opening: performance.now() - begin,
    delays () {
      const seen = delays
      delays = []
      return seen
    },
    ended: () => ended,
    close () { for (const socket of sockets) socket.destroy() }
  }
}

async function send (url: string, method: string, { authorization }: Person, title: string): Promise<Task> {
  const answer = await fetch(url, {
    method, headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify({ title })
  })
  if (answer.ok) return await answer.json() as Task
  await answer.body?.cancel()
  throw new Error(`${method} answers ${answer.status}`)
}

/**
 * Changes tasks, one of each person by turns, at a steady rate; a new one is made for each before.
 * @param rate changes in a second
 * @param duration milliseconds
 * @returns how many were written, and how many were not
 */
export async function changeTasks (
  base: string, people: Person[], rate: number, duration: number
): Promise<{ written: number, failed: number }> {
  const urls: string[] = []
  for (let n = 0; n < people.length; n += AT_ONCE) {
    const some = people.slice(n, n + AT_ONCE)
    urls.push(...await Promise.all(some.map(async (person) => `${base}/api/tasks/${(await send(`${base}/api/tasks`, 'POST', person, 'New')).id}`)))
  }
  const begin = performance.now()
  const sent: Array<Promise<boolean>> = []
  for (let n = 0; n < rate * duration / 1000; n++) {
    const wait = begin + n * 1000 / rate - performance.now()
    if (wait > 1) await sleep(wait)
    sent.push(send(urls[n % urls.length]!, 'PUT', people[n % people.length]!, sentNow()).then(() => true, () => false))
  }
  const written = (await Promise.all(sent)).filter(Boolean).length
  return { written, failed: sent.length - written }
}

/** @returns the value that a share of some values does not exceed; NaN of none */
export const percentile = (values: number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN

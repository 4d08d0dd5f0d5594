import { request } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { EventStream } from '../../src/sync/stream.js'
import { until } from './until.js'

/** An event as it came. */
export interface Event { event: string, id?: string, data: any }

/** A stream of events that somebody follows. */
export interface Stream {
  status: number
  headers: Record<string, string | string[] | undefined>
  events: Event[]
  /** What came that is no event: comments, and `retry`. */
  rest: string[]
  hasEnded: () => boolean
  /** Waits for so many events. @returns them */
  wait: (count: number) => Promise<Event[]>
  /** Stops, and goes on, reading. */
  pause: () => void
  resume: () => void
  close: () => void
}

/** Ends each stream after what it says first, so that a request without a socket has an answer. */
export function endStreams (app: FastifyInstance): void {
  app.addHook('onSend', async (_request, _reply, payload) => {
    if (payload instanceof EventStream) payload.finish('')
    return payload
  })
}

/** Makes an application listen. @returns its address */
export async function listening (app: FastifyInstance): Promise<string> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  return `http://127.0.0.1:${port}`
}

/**
 * Follows a stream over a socket, as a front end does.
 * @param url of the stream
 * @returns when the headers are there
 */
export async function follow (t: Test, url: string, token: string, headers: Record<string, string> = {}): Promise<Stream> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, headers: { authorization: `Bearer ${token}`, ...headers } }, (answer) => {
      const events: Event[] = []
      const rest: string[] = []
      let ended = false
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        const blocks = (text + chunk).split('\n\n')
        text = blocks.pop()!
        for (const block of blocks) {
          const lines = block.split('\n').map((line) => /^(\w*):? ?(.*)$/.exec(line)!.slice(1) as [string, string])
          const fields = Object.fromEntries(lines)
          if (fields.event === undefined) rest.push(block)
          else events.push({ event: fields.event, ...(fields.id && { id: fields.id }), data: JSON.parse(fields.data!) })
        }
      }).on('end', () => { ended = true }).on('error', () => { ended = true }).on('close', () => { ended = true })
      t.teardown(() => { asked.destroy() })
      resolve({
        status: answer.statusCode!,
        headers: answer.headers,
        events,
        rest,
        hasEnded: () => ended,
        async wait (count) {
          await until(`${count} events came`, () => events.length >= count, 20)
          return events.slice(0, count)
        },
        pause: () => answer.pause(),
        resume: () => answer.resume(),
        close: () => asked.destroy()
      })
    })
    asked.on('error', reject).end()
  })
}

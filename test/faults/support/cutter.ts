import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A proxy that cuts connections. */
export interface Cutter {
  port: number
  /** From now on each connection has so many bytes left, on average; without a number as many as it likes. */
  cutAfter: (bytes?: number) => void
  /** How many connections it has cut. */
  cuts: () => number
}

/** Bytes until the next cut: it comes anywhere, in the middle of a head, of an event, or of a character. */
const some = (bytes: number) => Math.ceil(-Math.log(1 - Math.random()) * bytes)

/** Starts a TCP proxy in front of a port, until the test ends, that can cut connections after any byte. */
export async function startCutter (t: Test, target: number): Promise<Cutter> {
  const left = new Map<Socket, number>()
  let average = Infinity
  let cuts = 0

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    left.set(client, some(average))
    join(client, upstream, client)
    join(upstream, client, client)
  })

  /** What comes from one side goes to the other, as long as their connection has bytes left. */
  function join (from: Socket, to: Socket, client: Socket): void {
    from.on('error', () => {}).on('close', () => {
      left.delete(client)
      to.destroySoon()
    }).on('data', (chunk) => {
      const rest = left.get(client)! - chunk.length
      left.set(client, rest)
      if (rest >= 0) {
        if (to.write(chunk)) return
        from.pause()
        to.once('drain', () => { from.resume() })
        return
      }
      cuts++
      to.end(chunk.subarray(0, chunk.length + rest))
      from.destroy()
    })
  }

  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.close()
    for (const client of left.keys()) client.destroy()
  })
  return {
    port: (server.address() as AddressInfo).port,
    cutAfter (bytes = Infinity) {
      average = bytes
      for (const client of left.keys()) left.set(client, some(bytes))
    },
    cuts: () => cuts
  }
}

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import type { Expected } from './endpoints.js'
import { cache, has, run } from './shell.js'

/** A request as it goes out. */
export interface Outgoing { method: string, path: string, token: string, body: string }

export interface Drive {
  base: string
  requests: Outgoing[]
  expected: Expected
  connections: number
  seconds: number
}

/** What a generator saw. Times are in milliseconds. */
export interface Seen {
  requests: number
  seconds: number
  p50: number
  p99: number
  /** Answers that are not as expected, and requests without one. */
  errors: number
}

export type Generator = (drive: Drive) => Promise<Seen>

const script = fileURLToPath(new URL('wrk.lua', import.meta.url))

/** wrk in one thread; it reads the requests from a file and looks at every answer. */
const wrk: Generator = async ({ base, requests, expected, connections, seconds }) => {
  const file = join(cache, `requests-${process.pid}`)
  writeFileSync(file, requests.map(({ method, path, token, body }) => `${method}\t${path}\t${token}\t${body}\n`).join(''))
  const out = await run('wrk', [
    '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s', '-s', script, base,
    '--', file, String(expected.status), String(expected.bytes), expected.text
  ])
  return JSON.parse(out.slice(out.lastIndexOf('\n{'))) as Seen
}

/** autocannon, where wrk is not installed. It costs more of the machine itself. */
const cannon: Generator = async ({ base, requests, expected, connections, seconds }) => {
  const outgoing = requests.map(({ method, path, token, body }) => ({
    method: method as 'GET',
    path,
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body })
  }))
  let next = 0
  const each = Math.ceil(outgoing.length / connections)
  const { requests: { total }, '2xx': good, mismatches, latency, errors, timeouts, duration } = await autocannon({
    url: base,
    connections,
    duration: seconds,
    timeout: 20,
    // Each connection has its own share: two must not delete the same task.
    setupClient: (client) => {
      const share = outgoing.slice(next, next += each)
      client.setRequests(share.length > 0 ? share : outgoing)
    },
    verifyBody: (body) => {
      const text = String(body ?? '')
      return text.includes(expected.text) && text.length >= expected.bytes
    }
  })
  const wrong = total - good + mismatches + errors + timeouts
  return { requests: total, seconds: duration, p50: latency.p50, p99: latency.p99, errors: wrong }
}

/** The generator that is used for everything: wrk when it is installed. */
export async function chooseGenerator (): Promise<{ name: string, drive: Generator }> {
  return await has('sh', '-c', 'command -v wrk') ? { name: 'wrk', drive: wrk } : { name: 'autocannon', drive: cannon }
}

import { createHmac } from 'node:crypto'
import type { Sql } from 'postgres'
import type { Contender } from './contenders.js'
import { emailOf, tidy, userId } from './data.js'
import type { Endpoint, Request } from './endpoints.js'
import type { Generator, Outgoing } from './generator.js'
import { cpuSeconds, forgetPeak, peakRss } from './proc.js'
import { sleep } from './shell.js'

/** What a measurement says of one contender at one endpoint. */
export interface Figures {
  requests_per_second: number
  p50_ms: number
  p99_ms: number
  cpu_s_per_1000: number
  rss_mb: number
  errors: number
}

/** How measurements are made. */
export interface Bench {
  sql: Sql
  drive: Generator
  secret: string
  connections: number
  /** Of one measurement, in seconds. */
  seconds: number
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token as the server would issue it to the n-th user, for some hours. */
export function tokenOf (user: number, secret: string): string {
  const iat = Math.floor(Date.now() / 1000)
  const claims = { sub: userId(user), email: emailOf(user), iat, exp: iat + 6 * 3600, iss: 'todo-backend', aud: 'todo-backend' }
  const content = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`
}

/** Measures one contender at one endpoint, once. */
export async function measure (bench: Bench, contender: Contender, endpoint: Endpoint): Promise<Figures> {
  const { sql, drive, secret, connections, seconds } = bench
  const { base, pid } = contender
  const tokens = new Map<number, string>()
  const token = (user: number) => tokens.get(user) ?? tokens.set(user, tokenOf(user, secret)).get(user)!
  const get = async (path: string, user: number) => {
    const answer = await fetch(base + path, { headers: { authorization: `Bearer ${token(user)}` } })
    return await answer.json() as { next_cursor: string }
  }
  const outgoing = ({ method, path, user, body }: Request): Outgoing =>
    ({ method, path, token: user === undefined ? '' : token(user), body: body ? JSON.stringify(body) : '' })
  const requests = (await endpoint.requests({ sql, get, seconds })).map(outgoing)
  forgetPeak(pid)
  const before = cpuSeconds(pid)
  const seen = await drive({ base, requests, expected: endpoint.expected, connections, seconds })
  const cpu = cpuSeconds(pid) - before
  const peak = peakRss(pid)
  await settled(pid)
  if (endpoint.writes) await tidy(sql)
  return {
    requests_per_second: seen.requests / seen.seconds,
    p50_ms: seen.p50,
    p99_ms: seen.p99,
    cpu_s_per_1000: cpu / seen.requests * 1000,
    rss_mb: peak,
    errors: seen.errors
  }
}

/** Waits until a process has done what was begun: a hash for a client that has gone would slow down the next contender. */
async function settled (pid: number): Promise<void> {
  for (let before = -1, now = cpuSeconds(pid); now - before > 0.05; now = cpuSeconds(pid)) {
    before = now
    await sleep(200)
  }
}

export const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2
}

/** The medians of some rounds; of errors the sum. */
export function summary (rounds: Figures[]): Figures {
  const middle = (name: keyof Figures) => median(rounds.map((round) => round[name]))
  return {
    requests_per_second: middle('requests_per_second'),
    p50_ms: middle('p50_ms'),
    p99_ms: middle('p99_ms'),
    cpu_s_per_1000: middle('cpu_s_per_1000'),
    rss_mb: middle('rss_mb'),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0)
  }
}

/** Measures all contenders at one endpoint: a first time for nothing, then in rounds, A B C A B C. */
export async function measureInTurns (bench: Bench, contenders: Contender[], endpoint: Endpoint, rounds: number) {
  const figures = new Map<string, Figures[]>(contenders.map(({ name }) => [name, []]))
  for (const contender of contenders) await measure({ ...bench, seconds: Math.min(1, bench.seconds) }, contender, endpoint)
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) figures.get(contender.name)!.push(await measure(bench, contender, endpoint))
  }
  return figures
}

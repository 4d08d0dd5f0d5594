import { availableParallelism } from 'node:os'
import argon2 from 'argon2'
import type { Contender } from './contenders.js'
import { PASSWORD, TASKS, type Sizes } from './data.js'
import { endpoints, type Endpoint } from './endpoints.js'
import { measure, median, type Bench, type Figures } from './measure.js'
import { columns } from './report.js'
import { verdict, type Verdict } from './targets.js'

// What is not a comparison of contenders: the server against itself, and against the bare hash.

/** Few connections: what counts is how long a page takes, and not how many others wait for theirs. */
const PAGE_CONNECTIONS = 4

/** Pages of users with more and more tasks. @returns a table of the median p50, in milliseconds, and the verdicts */
export async function measurePages (bench: Bench, server: Contender, { users, large }: Sizes, rounds: number) {
  const owners = [{ user: 0, count: TASKS }, ...large.map((count, at) => ({ user: users + at, count }))]
  const few = { ...bench, connections: PAGE_CONNECTIONS, seconds: Math.min(2, bench.seconds) }
  const rows: string[][] = [['p50 ms', ...owners.map(({ count }) => count.toLocaleString('en'))]]
  const verdicts: Verdict[] = []
  for (const kind of ['list', 'cursor'] as const) {
    for (const place of ['first', 'middle', 'last'] as const) {
      const p50 = owners.map((): number[] => [])
      for (let round = 0; round <= rounds; round++) {
        for (const [at, owner] of owners.entries()) {
          const { p50_ms: one } = await measure(few, server, pageOf(kind, place, owner))
          if (round > 0) p50[at]!.push(one)
        }
      }
      const times = p50.map(median)
      rows.push([`${kind}, ${place} page`, ...times.map((time) => time.toFixed(2))])
      if (kind === 'list' && place !== 'first') continue
      const target = { most: kind === 'list' ? 1.3 : 1.2 }
      for (const [at, { count }] of owners.entries()) {
        if (at > 0) verdicts.push(verdict(`${kind}, ${place} page: p50 of ${count} tasks against ${TASKS}`, times[at]! / times[0]!, target))
      }
    }
  }
  return { text: columns(rows), verdicts }
}

/** One page of one user as something to measure. */
function pageOf (kind: 'list' | 'cursor', place: 'first' | 'middle' | 'last', { user, count }: { user: number, count: number }): Endpoint {
  const offset = { first: 0, middle: count / 2, last: count - 100 }[place]
  const list = `/api/tasks?limit=50&offset=${offset}`
  return {
    name: `${kind}, ${place}`,
    expected: { status: 200, text: kind === 'list' ? `"total":${count}` : '"next_cursor":', bytes: 50 * 200 },
    requests: async ({ get }) => {
      if (kind === 'list') return [{ method: 'GET', path: list, user }]
      const { next_cursor: cursor } = await get(list, user)
      return [{ method: 'GET', path: `/api/tasks?limit=50&cursor=${cursor}`, user }]
    }
  }
}

const named = (wanted: string) => endpoints.find(({ name }) => name === wanted)!

/** How much others feel of 50 people who log in at the same time. */
export async function measureBesideLogins (bench: Bench, server: Contender, rounds: number): Promise<Verdict> {
  const [alone, beside]: [number[], number[]] = [[], []]
  const reading = { ...bench, connections: 16 }
  for (let round = 0; round < rounds; round++) {
    alone.push((await measure(reading, server, named('get'))).p99_ms)
    const logins = measure({ ...bench, connections: 50, seconds: bench.seconds + 1 }, server, named('login'))
    beside.push((await measure(reading, server, named('get'))).p99_ms)
    await logins
  }
  return verdict('get: p99 while 50 log in against alone', median(beside) / median(alone), { most: 2 })
}

/** Logins against nothing but the hash, on as many threads. */
export async function measureLogins (bench: Bench, server: Contender, rounds: number): Promise<Verdict> {
  const threads = Math.max(1, availableParallelism() - 1)
  const [{ hash }] = await bench.sql<[{ hash: string }]>`select password_hash as hash from todo.users limit 1`
  const bare: number[] = []
  const logins: Figures[] = []
  for (let round = 0; round < rounds; round++) {
    bare.push(await bareRate(hash, threads, bench.seconds))
    logins.push(await measure(bench, server, named('login')))
  }
  const rate = median(logins.map((one) => one.requests_per_second))
  return verdict('login: requests/s against bare argon2', rate / median(bare), { least: 0.95 })
}

/** @returns verifications per second */
async function bareRate (hash: string, threads: number, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000
  let count = 0
  await Promise.all(Array.from({ length: threads }, async () => {
    for (; performance.now() < until; count++) await argon2.verify(hash, PASSWORD)
  }))
  return count / seconds
}

/** What the server costs before anybody uses it. @param launch starts one more */
export async function startVerdicts (launch: () => Promise<Contender>): Promise<Verdict[]> {
  const starts: Array<Contender['start']> = []
  for (let i = 0; i < 5; i++) {
    const { start, stop } = await launch()
    starts.push(start)
    await stop()
  }
  return [
    verdict('start: CPU milliseconds to the first answer', median(starts.map(({ cpu }) => cpu)) * 1000, { most: 400 }),
    verdict('start: RSS in MB', median(starts.map(({ rss }) => rss)), { most: 110 })
  ]
}

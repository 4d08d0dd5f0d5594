import { changeTasks, openStreams, percentile } from '../streams.js'
import type { Contender } from './contenders.js'
import { addUsers } from './data.js'
import { endpoints } from './endpoints.js'
import { measure, median, tokenOf, type Bench } from './measure.js'
import { cpuSeconds, rss } from './proc.js'
import { columns } from './report.js'
import { sleep } from './shell.js'
import { verdict, type Verdict } from './targets.js'

// Streams of events: what they cost at rest, how soon they are told of a change, and what others feel of it.

/** Streams at rest, each of another user, who is none of those that others read and write. */
const IDLE = 10_000
const FIRST = 20_000

/** Streams that are told, as many of each user as the server allows, and changes in a second, by all users in turn. */
const TOLD = 1000
const PER_USER = 10
const RATE = 200

/** Milliseconds of rest, in which each stream gets a comment, and of changes. */
const REST = 30_000
const CHANGES = 20_000

/** What a process takes while something is done: its share of a processor, in percent, and its memory then, in MB. */
async function costOf ({ pid }: Contender, what: () => Promise<unknown>): Promise<{ cpu: number, mb: number }> {
  const [before, begin] = [cpuSeconds(pid), performance.now()]
  await what()
  return { cpu: (cpuSeconds(pid) - before) / (performance.now() - begin) * 100_000, mb: rss(pid) }
}

/** @param launch starts a server that has no streams yet */
export async function measureStreams (bench: Bench, launch: () => Promise<Contender>, rounds: number) {
  await addUsers(bench.sql, FIRST, IDLE)
  const peopleOf = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ authorization: `Bearer ${tokenOf(FIRST + n, bench.secret)}` }))
  const get = endpoints.find(({ name }) => name === 'get')!
  const server = await launch()
  try {
    const gets = async (): Promise<number> => {
      const rates: number[] = []
      for (let round = 0; round < rounds; round++) rates.push((await measure(bench, server, get)).requests_per_second)
      return median(rates)
    }
    await gets()
    const alone = await gets()

    const few = peopleOf(TOLD / PER_USER)
    const told = await openStreams(server.base, few, TOLD)
    let written = 0
    const telling = await costOf(server, async () => { written = (await changeTasks(server.base, few, RATE, CHANGES)).written })
    const delays = told.delays()
    const changing = changeTasks(server.base, few, RATE, rounds * (bench.seconds + 1) * 1000)
    const besideChanges = await gets()
    await changing
    told.close()

    const idle = await openStreams(server.base, peopleOf(IDLE), IDLE)
    const atRest = await costOf(server, async () => sleep(REST))
    const besideIdle = await gets()
    const ended = idle.ended()
    idle.close()

    const [p50, p99] = [0.5, 0.99].map((share) => percentile(delays, share)) as [number, number]
    const verdicts: Verdict[] = [
      verdict(`${IDLE} idle streams: RSS in MB`, atRest.mb, { most: 400 }),
      verdict(`${IDLE} idle streams: those that were cut off`, ended, { most: 0 }),
      verdict(`${TOLD} streams, ${RATE} changes/s: p99 in ms`, p99, { most: 100 }),
      verdict(`get: requests/s beside ${TOLD} streams with ${RATE} changes/s against alone`, besideChanges / alone, { least: 0.8 }),
      verdict(`get: requests/s beside ${IDLE} idle streams against alone`, besideIdle / alone, { least: 0.8 })
    ]
    const text = columns([
      ['', 'opened in s', 'CPU %', 'RSS MB', 'changes', 'told', 'p50 ms', 'p99 ms'],
      [`${IDLE} idle streams`, (idle.opening / 1000).toFixed(1), atRest.cpu.toFixed(1), atRest.mb.toFixed(0), '', '', '', ''],
      [`${TOLD} streams, ${RATE} changes/s`, (told.opening / 1000).toFixed(1), telling.cpu.toFixed(1), telling.mb.toFixed(0),
        String(written), String(delays.length), p50.toFixed(0), p99.toFixed(0)]
    ])
    return { text, verdicts }
  } finally {
    await server.stop()
  }
}

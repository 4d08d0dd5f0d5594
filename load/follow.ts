import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSeconds, rss } from './bench/proc.js'
import type { Person } from './session.js'
import { changeTasks, openStreams, percentile } from './streams.js'

/** What is to be opened and written. */
export interface Following {
  url: string
  /** Through which server of the same database it is written. */
  through: string
  people: Person[]
  streams: number
  /** Changes in a second. */
  writes: number
  /** Seconds, in which nothing happens at first, and then the writes. */
  duration: number
  /** The server's process, when it is on this machine. */
  pid: number | undefined
}

/** What a process costs while something is done. @returns a text: its share of a processor, and its memory in the end */
async function costOf (pid: number | undefined, what: () => Promise<unknown>): Promise<string> {
  const [before, begin] = [pid && cpuSeconds(pid), performance.now()]
  await what()
  if (pid === undefined) return 'the cost is not known without --pid'
  return `${((cpuSeconds(pid) - before!) / (performance.now() - begin) * 100_000).toFixed(1)} % of a processor, ${Math.round(rss(pid))} MB`
}

/** Opens streams, which rest and then are told what is written, and says what that takes. @returns how many things went wrong */
export async function followChanges ({ url, through, people, streams, writes, duration, pid }: Following): Promise<number> {
  let open: Awaited<ReturnType<typeof openStreams>>
  const opening = await costOf(pid, async () => { open = await openStreams(url, people, streams) })
  console.log(`${streams} streams of ${people.length} people opened in ${(open!.opening / 1000).toFixed(1)} s: ${opening}`)
  console.log(`at rest for ${duration} s: ${await costOf(pid, async () => sleep(duration * 1000))}`)
  let sent = { written: 0, failed: 0 }
  const telling = await costOf(pid, async () => { sent = await changeTasks(through, people, writes, duration * 1000) })
  // What is told last is still on its way.
  await sleep(2000)
  const delays = open!.delays()
  const [p50, p99] = [0.5, 0.99].map((share) => Math.round(percentile(delays, share)))
  console.log(`${sent.written} changes, ${sent.failed} failed, told ${delays.length} times: ${telling}`)
  console.log(`from sending a change to its event: p50 ${p50} ms, p99 ${p99} ms; ${open!.ended()} streams ended`)
  const wrong = sent.failed + open!.ended() + (delays.length < sent.written ? 1 : 0)
  open!.close()
  return wrong
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Task } from '../../../src/schemas/tasks.js'
import { clientOf, type Client, type NoAnswer, type Person } from './client.js'
import { acknowledge, expect, textsOf, type Entry, type Ledger } from './ledger.js'
import { until } from '../../support/until.js'

/** One request of the load. */
export interface Sample {
  what: string
  /** Its X-Request-Id, which finds it in the server's log. */
  id: string
  /** The status, or why there was none. */
  outcome: number | string
  /** When it was sent, as performance.now() tells. */
  at: number
  ms: number
  /** What is wrong with the answer, if anything: every answer has to be a success, or a 503 as the contract has it. */
  wrong?: string | undefined
}

export interface Load {
  samples: Sample[]
  /** Waits until every request has succeeded for a second. @returns milliseconds from `since` until then, without the second */
  recovered: (since: number) => Promise<number>
  /** Sends no more, and waits for the answers that are still to come. */
  stop: () => Promise<Sample[]>
  /** When all `requests` have been sent and answered. */
  done: Promise<unknown>
}

export interface LoadOptions {
  port: number
  people: Person[]
  ledger: Ledger
  /** Requests at a time. */
  workers?: number
  /** Ends by itself after so many requests. */
  requests?: number
  /** Milliseconds that each worker rests between two requests, on average. */
  rest?: number
}

/** Milliseconds between a failure and the next request of the same worker. */
const PAUSE = 25

/** Tasks that a worker keeps before it would rather change and remove than create. */
const KEEP = 20

/** Begins a mixed load of keep-alive clients, each of which goes on with tasks of its own, and writes it down. */
export function startLoad (t: Test, { port, people, ledger, workers = 16, requests = Infinity, rest = 0 }: LoadOptions): Load {
  const client = clientOf(t, port, workers)
  const samples: Sample[] = []
  let wanted = requests
  const all = Promise.all(Array.from({ length: workers }, async (_, index) => {
    const work = workerOf(client, people[index % people.length]!, ledger)
    while (samples.length < wanted) {
      const sample = await work()
      samples.push(sample)
      if (typeof sample.outcome === 'string' || sample.outcome >= 500) await sleep(PAUSE)
      if (rest > 0) await sleep(2 * rest * Math.random())
    }
  }))

  t.teardown(async () => { await load.stop() })

  const load: Load = {
    samples,
    done: all,
    async recovered (since) {
      let end = since
      await until('every request succeeds again', () => {
        const later = samples.filter(({ at }) => at >= since)
        const failures = later.filter(({ outcome }) => typeof outcome === 'string' || outcome >= 300)
        const successes = later.filter(({ at, outcome }) => typeof outcome === 'number' && outcome < 300 && at > end)
        end = latest(since, failures)
        return successes.length > 50 && performance.now() - end > 1000
      })
      const first = samples.find(({ at, outcome }) => at >= since && typeof outcome === 'number' && outcome < 300)!
      return latest(end, end > since ? [] : [first]) - since
    },
    async stop () {
      wanted = 0
      await all
      return samples
    }
  }
  return load
}

/** When the last of some requests was over, or `since`. */
const latest = (since: number, samples: Sample[]) => samples.reduce((last, { at, ms }) => Math.max(last, at + ms), since)

/** Requests of this process so far. */
let sent = 0

/** A client that has at most one request on its way. @returns what sends the next one */
function workerOf (client: Client, { id: owner, token }: Person, ledger: Ledger): () => Promise<Sample> {
  const tasks: Array<{ entry: Entry, id: string, version: number }> = []
  const any = () => tasks[Math.floor(Math.random() * tasks.length)]!

  /** @param answered what a success says about the task; a task whose last write failed is not touched any more */
  async function send (
    what: string, method: string, path: string, body: object | undefined, entry: Entry, answered: (task: Task) => void
  ): Promise<Sample> {
    const at = performance.now()
    const id = `load-${++sent}`
    try {
      const { status, headers, body: answer, ms } = await client.call(method, path, { token, body, headers: { 'x-request-id': id } })
      if (status < 300) answered(answer as Task)
      else drop(entry)
      return { what, id, outcome: status, at, ms, wrong: wrongWith(status, headers, answer) }
    } catch (error) {
      drop(entry)
      return { what, id, outcome: (error as NoAnswer).reason, at, ms: performance.now() - at }
    }
  }

  function drop (entry: Entry): void {
    const at = tasks.findIndex((task) => task.entry === entry)
    if (at >= 0) tasks.splice(at, 1)
  }

  async function create () {
    const entry = ledger.open(owner)
    return await send('create', 'POST', '/api/tasks', textsOf(entry.key, 1), entry, (task) => {
      acknowledge(entry, task)
      tasks.push({ entry, id: task.id, version: 1 })
    })
  }

  async function update () {
    const task = any()
    const texts = textsOf(task.entry.key, ++task.version)
    expect(task.entry, texts)
    return await send('update', 'PUT', `/api/tasks/${task.id}`, texts, task.entry, (now) => { acknowledge(task.entry, now) })
  }

  async function complete () {
    const { entry, id } = any()
    const change = { is_completed: !entry.may[0]!.is_completed }
    expect(entry, change)
    return await send('complete', 'PATCH', `/api/tasks/${id}/complete`, change, entry, (now) => { acknowledge(entry, now) })
  }

  async function remove () {
    const { entry, id } = any()
    expect(entry, null)
    return await send('remove', 'DELETE', `/api/tasks/${id}`, undefined, entry, () => {
      acknowledge(entry, null)
      drop(entry)
    })
  }

  async function read () {
    const { entry, id } = any()
    const known = JSON.stringify(entry.may[0])
    let wrong: string | undefined
    const sample = await send('read', 'GET', `/api/tasks/${id}`, undefined, entry, (task) => {
      if (JSON.stringify(task) !== known) wrong = `not what was written: ${JSON.stringify(task)}`
    })
    return { ...sample, wrong: sample.wrong ?? wrong }
  }

  return async () => {
    if (tasks.length === 0) return await create()
    const dice = Math.random()
    if (dice < 0.4) return await read()
    if (dice < 0.6) return await update()
    if (dice < 0.75) return await complete()
    return await (dice < (tasks.length > KEEP ? 0.8 : 0.9) ? create() : remove())
  }
}

const OUTAGE = JSON.stringify({ detail: 'Service unavailable', status_code: 503 })

function wrongWith (status: number, headers: Record<string, unknown>, body: unknown): string | undefined {
  if (status < 300) return
  if (status !== 503 || JSON.stringify(body) !== OUTAGE) return `${status}: ${JSON.stringify(body)}`
  if (!/^[1-9]\d*$/.test(String(headers['retry-after']))) return '503 without Retry-After'
}

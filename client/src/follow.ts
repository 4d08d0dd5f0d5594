import type { Client } from 'openapi-fetch'
import { eventsOf } from './events.js'
import { backoff, linked, pause } from './pause.js'
import { TodoApiError } from './result.js'
import type { components, paths } from './schema.js'
import type { Send } from './send.js'

/** What has become of a task: its present state, or that it is gone. */
export type Change = { task: components['schemas']['Task'] } | { deleted: { id: string } }

/** Changes in order, and where they lead. */
export interface Batch {
  changes: Change[]
  /** Where they lead: to be kept together with them, and to be given as `since` next time. */
  position: string
  /** Whether all tasks come anew from here on: those that are here are to be forgotten first. */
  reset: boolean
  /** Whether there is more that waits already. */
  hasMore: boolean
}

/** How it comes: at once, by asking every few seconds, or not at all for now. */
export type SyncState = 'live' | 'polling' | 'offline'

/** Milliseconds: how long things may take, and how often they are done. */
export interface Timing {
  /** Within this a stream has to say that it has begun: what is between may keep it back. */
  ready: number
  /** A stream that is silent for longer is dead; there is a sign of life every 20 s. */
  silence: number
  /** How often that is looked at. */
  tick: number
  /** How often changes are asked for where no stream gets through, */
  poll: number
  /** and for how long, before the next one is tried. */
  polls: number
  /** How long an answer may take. */
  answer: number
  /** The first wait after a failure. */
  first: number
}

export const TIMING: Timing = {
  ready: 10_000, silence: 45_000, tick: 2500, poll: 5000, polls: 300_000, answer: 30_000, first: 500
}

/** What has been seen: where that was, and what came then, with the position after each. */
export interface Seen { state: SyncState | undefined, from: string, changes: Change[], ids: string[] }

export interface FollowOptions {
  api: Client<paths>
  send: Send
  since: string | undefined
  signal: AbortSignal
  onState?: ((state: SyncState) => void) | undefined
  /** Called with each sign of life, before what it brings is handed out. */
  onSeen?: ((seen: Seen) => void) | undefined
  timing?: Timing
}

/** How a stream has ended: when to come again, if it said so; it broke; none gets through; all has to be fetched anew. */
interface End { retry?: number | undefined, isBroken?: boolean, isKeptBack?: boolean, isReset?: boolean }

/** Whether an answer may be another one soon; also that of a proxy, and the page of a network that wants a login. */
const mayPass = (status: number) => status < 400 || status >= 500 || [408, 425, 429].includes(status)

/** Follows the tasks of somebody, from a position or from nothing. */
export type Follower = ReturnType<typeof follower>

/** @returns what has been seen, and the ways to see more: each an iterator of what comes */
export function follower ({ api, send, since, signal, onState, onSeen, timing = TIMING }: FollowOptions) {
  let position = since
  let failures = 0
  /** Whether an answer has failed since the last look at this. */
  let hasFailed = false
  let state: SyncState | undefined

  function be (next: SyncState): void {
    if (next === state) return
    state = next
    onState?.(next)
  }

  /** Waits before another try. @throws what does not pass */
  async function failed (error: unknown, after?: number): Promise<void> {
    signal.throwIfAborted()
    if (error instanceof TodoApiError && !mayPass(error.status)) throw error
    hasFailed = true
    be('offline')
    await pause(after ?? backoff(failures++, timing.first), signal)
  }

  /** @returns the next page; null when the position has expired */
  async function ask (): Promise<components['schemas']['ChangesPage'] | null> {
    const link = linked(signal)
    const timer = setTimeout(link.abort, timing.answer)
    try {
      const query = { limit: 500, ...(position !== undefined && { since: position }) }
      const result = await send('get', '/api/tasks/changes', { params: { query }, signal: link.signal })
      if (result.status === 410) return null
      if (!result.ok) throw new TodoApiError(result)
      return result.body
    } finally {
      clearTimeout(timer)
      link.unlink()
    }
  }

  /** What there is now; it goes on until all of it has come, whatever happens meanwhile. */
  async function * pages (): AsyncGenerator<Batch, void> {
    for (let reset = position === undefined, hasMore = true; hasMore;) {
      const page = await ask().catch(async (error: unknown) => failed(error, waitOf(error)))
      if (page === null) {
        position = undefined
        reset = true
      } else if (page) {
        failures = 0
        const from = position ?? ''
        const batch: Batch = { changes: page.changes as Change[], position: page.next, reset, hasMore: page.has_more }
        position = page.next
        hasMore = page.has_more
        const isNews = reset || batch.changes.length > 0 || from !== position
        if (state !== 'live') be('polling')
        onSeen?.({ state, from: position, changes: [], ids: [] })
        if (isNews) yield batch
        reset = false
      }
    }
  }

  /** What comes as a stream, until that ends. */
  async function * stream (): AsyncGenerator<Batch, End> {
    const link = linked(signal)
    const begun = Date.now()
    let heard = begun
    let isReady = false
    let retry: number | undefined
    let isBroken = false
    // By the clock, because timers stand still while a computer sleeps.
    const timer = setInterval(() => {
      if (Date.now() - heard > (isReady ? timing.silence : timing.ready)) link.abort()
    }, timing.tick)
    try {
      const { data: body, error, response } = await api.GET('/api/tasks/events', {
        params: { header: { 'Last-Event-ID': position! } }, parseAs: 'stream', signal: link.signal
      })
      if (response.status === 429) return { isKeptBack: true }
      if (!body || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
        throw new TodoApiError({ status: response.status, body: error, response })
      }
      for await (const read of eventsOf(body)) {
        retry = read.retry ?? retry
        const seen: Seen = { state, from: position!, changes: [], ids: [] }
        for (const { event, id, data } of read.events) {
          if (event === 'ready') {
            isReady = true
            be(seen.state = 'live')
          } else if (event === 'task' || event === 'deleted') {
            seen.changes.push({ [event]: JSON.parse(data) as unknown } as Change)
            seen.ids.push(id!)
          } else if (event === 'reset') return { isReset: true }
        }
        position = seen.ids.at(-1) ?? position
        onSeen?.(seen)
        // However long that takes, it is not the stream that is silent.
        heard = Infinity
        if (seen.changes.length > 0) yield { changes: seen.changes, position: position!, reset: false, hasMore: false }
        heard = Date.now()
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof TodoApiError && !mayPass(error.status)) throw error
      if (!isReady && link.signal.aborted) return { isKeptBack: true }
      retry ??= waitOf(error)
      isBroken = true
    } finally {
      clearInterval(timer)
      link.abort()
      link.unlink()
    }
    // One that ends as soon as it has begun is no better than one that does not begin.
    if (isReady && Date.now() - begun > timing.ready) failures = 0
    return { retry, isBroken }
  }

  /** Asks every few seconds for a while, where no stream gets through. */
  async function * poll (): AsyncGenerator<Batch, void> {
    for (const end = Date.now() + timing.polls; Date.now() < end;) {
      hasFailed = false
      be('polling')
      yield * pages()
      // What was in the way was the network, then.
      if (hasFailed) return
      await pause(timing.poll * (0.75 + Math.random() / 2), signal)
    }
  }

  return {
    pages,
    be,

    /**
     * Takes what another tab has seen.
     * @returns what of it is new here; null when something is missing before it
     */
    take ({ state, from, changes, ids }: Seen): Batch | null {
      const at = [from, ...ids].indexOf(position!)
      if (at === -1) return null
      position = ids.at(-1) ?? from
      if (state) be(state)
      return { changes: changes.slice(at), position, reset: false, hasMore: false }
    },

    /** All that comes, for ever, once all pages have come. */
    async * forever (): AsyncGenerator<Batch, never> {
      for (;;) {
        const { retry, isBroken, isKeptBack, isReset } = yield * stream()
        if (isReset) {
          position = undefined
          yield * pages()
        } else if (isKeptBack) yield * poll()
        else {
          if (isBroken) be('offline')
          await pause(retry ?? backoff(failures++, timing.first), signal)
        }
      }
    }
  }
}

/** @returns the milliseconds of a Retry-After in seconds (RFC 9110 §10.2.3) */
function waitOf (error: unknown): number | undefined {
  const seconds = error instanceof TodoApiError ? Number(error.response.headers.get('retry-after') ?? NaN) : NaN
  return Number.isFinite(seconds) ? seconds * 1000 : undefined
}

import type { Client } from 'openapi-fetch'
import type { Seen, SyncState } from './changes.js'
import { backoff, pause } from './pause.js'
import { TodoApiError } from './result.js'
import type { paths } from './schema.js'
import type { Send } from './send.js'

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
  /** The clock: milliseconds since 1970. */
  now: () => number
}

export const TIMING: Timing = {
  ready: 10_000, silence: 45_000, tick: 2500, poll: 5000, polls: 300_000, answer: 30_000, first: 500, now: Date.now
}

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

/** Where somebody is who follows, and how it goes: what the ways to follow share. */
export type Course = ReturnType<typeof courseOf>

export function courseOf ({ api, send, since, signal, onState, onSeen, timing = TIMING }: FollowOptions) {
  const course = {
    api,
    send,
    signal,
    timing,
    see: (seen: Seen): void => { onSeen?.(seen) },
    /** Where they are; undefined when all is to come. */
    position: since,
    /** Failures, one after another. */
    failures: 0,
    /** Whether an answer has failed since the last look at this. */
    hasFailed: false,
    state: undefined as SyncState | undefined,

    be (next: SyncState): void {
      if (next === course.state) return
      course.state = next
      onState?.(next)
    },

    /** Waits before another try. @param after milliseconds, when the server has said so */
    async rest (after: number | undefined): Promise<void> {
      await pause(after ?? backoff(course.failures++, timing.first), signal)
    },

    /** Waits after an answer has failed. @throws what does not pass */
    async failed (error: unknown): Promise<void> {
      signal.throwIfAborted()
      if (isLasting(error)) throw error
      course.hasFailed = true
      course.be('offline')
      await course.rest(waitOf(error))
    }
  }
  return course
}

/** Whether it is an answer that will be the same again: not that of a proxy, or the page of a network that wants a login. */
export const isLasting = (error: unknown): boolean =>
  error instanceof TodoApiError && error.status >= 400 && error.status < 500 && ![408, 425, 429].includes(error.status)

/** @returns the milliseconds of a Retry-After in seconds (RFC 9110 §10.2.3) */
export function waitOf (error: unknown): number | undefined {
  const seconds = error instanceof TodoApiError ? Number(error.response.headers.get('retry-after') ?? NaN) : NaN
  return Number.isFinite(seconds) ? seconds * 1000 : undefined
}

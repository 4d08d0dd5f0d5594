import type { Change, Known, OwnedChanges } from '../repositories/owned-changes.js'
import { listenersTo, seenBy, type Listener, type Listeners } from './listeners.js'
import type { Position } from './positions.js'
import { EventStream, UNAUTHENTICATED, retryText } from './stream.js'

/** Milliseconds between two questions to the database for what other processes have written. */
const INTERVAL = 1000

/** What the hub needs. */
export interface HubOptions {
  changesOf: (owner: string) => OwnedChanges
  /** Which owners have another newest change than these, or are gone. */
  othersThan: (known: Known[]) => Promise<Iterable<string>>
  /** Whether a session has ended; null when that is not known now. */
  hasEnded: (session: string) => boolean | null
  isDraining: () => boolean
  /** Streams at most, of a user and in all. */
  most: { perUser: number, all: number }
  /** The clock: milliseconds since 1970. */
  now: () => number
  log: { warn: (facts: object, message: string) => void }
  /** Told how many seconds after a change those who follow were told of it. */
  onTold: (seconds: number) => void
}

/** Why there is no stream: too many of this user, too many in all, or the owner is gone. */
export type NoStream = 'too many' | 'full' | 'owner gone'

/**
 * Sends changes to open streams. A write, a message from another process and the query of each second only mean "look": what is
 * sent is read from the journal, after the position of each listener, so that nothing is missed and nothing is sent twice.
 */
export function hub ({ changesOf, othersThan, hasEnded, isDraining, most, now, log, onTold }: HubOptions) {
  const owners = new Map<string, Listeners>()
  let count = 0
  let timer: NodeJS.Timeout | undefined

  let failedAt = -Infinity

  /** One line of the log in a second, for however many owners there was nothing to read. */
  function failed ({ message }: Error): void {
    if (Math.abs(now() - failedAt) < INTERVAL) return
    failedAt = now()
    log.warn({ reason: message }, 'changes not read')
  }

  /** The question of the next second finds those who were told nothing because of an error. */
  const look = (owner: string): void => { owners.get(owner.toLowerCase())?.look().catch(failed) }

  /** Every second: whose time is over, who has been silent for long, who is behind. */
  async function tick (): Promise<void> {
    endOrComment()
    if (count === 0 || isDraining()) return
    for (const known of seenBy(owners)) for (const owner of await othersThan(known)) look(owner)
  }

  function endOrComment (): void {
    for (const { listeners, comment } of owners.values()) {
      for (const listener of listeners) {
        const { stream, until, session } = listener
        if (stream.isDeaf) stream.destroy()
        else if (isDraining()) stream.finish(retryText())
        else if (now() >= until || (session !== undefined && hasEnded(session))) stream.finish(UNAUTHENTICATED)
        else comment(listener)
      }
    }
  }

  function wait (): void {
    timer ??= setTimeout(() => {
      tick().catch(failed).finally(() => {
        timer = undefined
        if (count > 0) wait()
      })
    }, INTERVAL).unref()
  }

  /** @returns those of an owner, among whom there is a place for one more now, and what gives it back; or why there is none */
  function take (owner: string): { one: Listeners, leave: () => void } | NoStream {
    const one = owners.get(owner) ?? listenersTo(changesOf(owner), now, onTold)
    if (one.places >= most.perUser) return 'too many'
    if (count >= most.all) return 'full'
    owners.set(owner, one)
    one.places++
    count++
    const leave = (): void => {
      count--
      if (--one.places === 0) owners.delete(owner)
    }
    return { one, leave }
  }

  return {
    look,

    /** How many streams there are. */
    count: () => count,

    /**
     * Begins a stream after a position, or now. It has begun when this returns, so that nobody has to wait for an event to know.
     * @param position null for one that is none, undefined for none at all
     * @param session and `until`, in milliseconds since 1970: what ends it
     * @returns the stream, which is left when it is closed
     * @throws DatabaseUnavailable
     */
    async listen (
      owner: string, position: Position | null | undefined, { session, until }: Pick<Listener, 'session' | 'until'>
    ): Promise<EventStream | NoStream> {
      const place = take(owner.toLowerCase())
      if (typeof place === 'string') return place
      const { one, leave } = place
      const start = await startOf(one.changes, position).catch((error: unknown) => {
        leave()
        throw error
      })
      if (!start) {
        leave()
        return 'owner gone'
      }
      const { seen, event } = start
      const stream: EventStream = new EventStream(() => { if (listener.isBehind) look(owner) }, now)
      const listener: Listener = { stream, seen, isBehind: false, since: now(), until, session, at: 0 }
      one.begin(listener, event, seen)
      one.listeners.add(listener)
      stream.once('close', () => {
        one.listeners.delete(listener)
        leave()
      })
      // Nobody would end one that begins when the others have ended.
      if (isDraining()) stream.finish(retryText())
      look(owner)
      wait()
      return stream
    },

    /** Ends all streams at once, when the server drains. */
    close: endOrComment
  }
}
export type Hub = ReturnType<typeof hub>

/** @returns where a stream begins, and what says so; null when the owner is gone */
async function startOf (
  changes: OwnedChanges, position: Position | null | undefined
): Promise<{ seen: Change, event: 'ready' | 'reset' } | null> {
  if (position && !position.walked && await changes.after(position.seen, 0)) return { seen: position.seen, event: 'ready' }
  const newest = await changes.newest()
  return newest && { seen: newest, event: position === undefined ? 'ready' : 'reset' }
}

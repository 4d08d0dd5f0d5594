import type { Change, OwnedChanges } from '../repositories/owned-changes.js'
import { toldOf } from './changes.js'
import { tokenOf } from './positions.js'
import { COMMENT, UNAUTHENTICATED, eventOf, type EventStream } from './stream.js'

/** Changes that are read at a time: some 700 KB at most, with texts that JSON makes long. */
const PAGE = 50

/** Milliseconds between two comments. */
const SILENCE = 20_000

/** Somebody who listens. */
export interface Listener {
  stream: EventStream
  /** The last change that was told. */
  seen: Change
  /** Whether there may be more for it than it has been told. */
  isBehind: boolean
  /** Milliseconds since 1970 at which the access token expires. */
  until: number
  session: string | undefined
  /** When something was sent last. */
  at: number
}

/**
 * Those who listen to one owner, and what they are told.
 * @param changes of the owner
 * @param now the clock, in milliseconds
 */
export function listenersTo (changes: OwnedChanges, now: () => number) {
  const listeners = new Set<Listener>()
  let isBusy = false
  /** Whether to look once more when what is under way is done. */
  let again = false

  function send (listener: Listener, text: string | Buffer): void {
    listener.at = now()
    listener.stream.tell(text)
  }

  function begin (listener: Listener, event: 'ready' | 'reset', seen: Change): void {
    const position = tokenOf({ owner: changes.owner, seen })
    listener.seen = seen
    send(listener, eventOf(event, { position }, position))
  }

  /** Those who have room, by what they have seen: who has seen the same is told the same text, which is made once. */
  function byPlace (): Iterable<Listener[]> {
    const places = new Map<string, Listener[]>()
    for (const listener of listeners) {
      listener.isBehind = listener.stream.isFull
      if (listener.isBehind) continue
      const place = `${listener.seen.revision} ${listener.seen.time}`
      const same = places.get(place)
      if (same) same.push(listener)
      else places.set(place, [listener])
    }
    return places.values()
  }

  async function tell (same: Listener[]): Promise<void> {
    const page = await changes.after(same[0]!.seen, PAGE)
    if (!page) return await reset(same)
    const last = page.changes.at(-1)
    if (!last) return
    const text = Buffer.from(toldOf(page.changes).map(({ told, by }) => {
      const id = tokenOf({ owner: changes.owner, seen: by })
      return 'task' in told ? eventOf('task', told.task, id) : eventOf('deleted', told.deleted, id)
    }).join(''))
    for (const listener of same) {
      listener.seen = { revision: last.revision, time: last.time }
      if (text.length > 0) send(listener, text)
    }
    again ||= page.hasMore
  }

  /** What they have seen is not in the journal any more: they have to fetch anew. */
  async function reset (same: Listener[]): Promise<void> {
    const newest = await changes.newest()
    for (const listener of same) {
      if (newest) begin(listener, 'reset', newest)
      else listener.stream.finish(UNAUTHENTICATED)
    }
  }

  return {
    /** How many there are, with those that are about to begin. */
    places: 0,
    changes,
    listeners,
    begin,

    /**
     * Reads what is new to them, and tells it; one reading at a time.
     * @throws DatabaseUnavailable
     */
    async look (): Promise<void> {
      again = true
      if (isBusy) return
      isBusy = true
      try {
        while (again) {
          again = false
          for (const same of byPlace()) await tell(same)
        }
      } finally {
        isBusy = false
      }
    },

    /** Whether somebody has seen another change than the newest one: also a later one, which a restored backup has undone. */
    areBehind: (newest: Change | undefined): boolean =>
      [...listeners].some(({ seen }) => seen.revision !== newest?.revision || seen.time !== newest.time),

    /** A comment for those who have been told nothing for long. A clock that was set back counts as long. */
    comment (listener: Listener): void {
      if (Math.abs(now() - listener.at) > SILENCE) send(listener, COMMENT)
    }
  }
}
export type Listeners = ReturnType<typeof listenersTo>

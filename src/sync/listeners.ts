import type { Change, Known, OwnedChanges } from '../repositories/owned-changes.js'
import { toldOf } from './changes.js'
import { tokenOf } from './positions.js'
import { COMMENT, UNAUTHENTICATED, eventOf, type EventStream } from './stream.js'

/** Changes that are read at a time: some 700 KB at most, with texts that JSON makes long. */
const PAGE = 50

/**
 * Owners of a question at most, some 50 KB. In one piece for 10,000, what was sent had become old when it was done with, and so
 * grew by 40 MB in a minute.
 */
const OWNERS = 1000

/** Milliseconds between two comments. */
const SILENCE = 20_000

const isSame = (one: Change, other: Change): boolean => one.revision === other.revision && one.time === other.time

/** Somebody who listens. */
export interface Listener {
  stream: EventStream
  /** The last change that was told. */
  seen: Change
  /** Whether there may be more for it than it has been told. */
  isBehind: boolean
  /** Since when it has been told all at once, as it was there and took what it was told. Milliseconds since 1970. */
  since: number
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
 * @param onTold told how many seconds after a change those were told of it who had been there, and took what they were told
 */
export function listenersTo (changes: OwnedChanges, now: () => number, onTold: (seconds: number) => void) {
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
      if (listener.isBehind) {
        listener.since = now()
        continue
      }
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
    if (same.some(({ since }) => since <= last.time)) onTold(Math.max(0, now() - last.time) / 1000)
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

    /** The changes that they have seen last, each once: mostly one. */
    seen (): Change[] {
      const all: Change[] = []
      for (const { seen } of listeners) if (!all.some((one) => isSame(one, seen))) all.push(seen)
      return all
    },

    /** A comment for those who have been told nothing for long. A clock that was set back counts as long. */
    comment (listener: Listener): void {
      if (Math.abs(now() - listener.at) > SILENCE) send(listener, COMMENT)
    }
  }
}
export type Listeners = ReturnType<typeof listenersTo>

/** The last changes that those who listen have seen, by their owners, so many at a time as a question may have. */
export function * seenBy (owners: Map<string, Listeners>): Generator<Known[], void> {
  let known: Known[] = []
  for (const [owner, one] of owners) {
    for (const { revision, time } of one.seen()) known.push({ owner, revision, time })
    if (known.length < OWNERS) continue
    yield known
    known = []
  }
  if (known.length > 0) yield known
}

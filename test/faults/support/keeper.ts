import type { TaskChange } from '../../../src/schemas/sync.js'
import { positionOf } from '../../../src/sync/positions.js'

/** Whose tasks are followed. */
export interface Account { id: string, token: string }

/** What a follower has seen, and how it came to it. */
export interface Seen {
  owner: string
  /** The number of the last change. */
  number: number
  /** Changes that it was told. */
  told: number
  /** How often it came again. */
  reconnects: number
  /** Numbers that came again, or out of order. */
  duplicates: number
  /** How often it had to begin anew. */
  resets: number
  /** When events came, in milliseconds since 1970, and how long after the time of their change. */
  delays: Array<[at: number, delay: number]>
  /** The text of each task. */
  tasks: Record<string, string>
}

/** Milliseconds of the longest sleep. */
const ASLEEP = 3000

export const asleep = (): number => Math.random() * ASLEEP

/** The tasks of somebody as a follower knows them, and where it is. */
export class Keeper {
  readonly #tasks = new Map<string, string>()
  readonly #seen: Omit<Seen, 'tasks'>
  #wakefulness = new AbortController()
  /** Where to go on; undefined at the beginning. */
  position: string | undefined

  constructor (owner: string) {
    this.#seen = { owner, number: 0, told: 0, reconnects: -1, duplicates: 0, resets: 0, delays: [] }
  }

  /** @returns what is aborted when it falls asleep */
  awake (): AbortSignal {
    this.#wakefulness = new AbortController()
    return this.#wakefulness.signal
  }

  fallAsleep (): void { this.#wakefulness.abort() }

  come (): void { this.#seen.reconnects++ }

  apply (change: TaskChange): void {
    this.#seen.told++
    if ('task' in change) this.#tasks.set(change.task.id, JSON.stringify(change.task))
    else this.#tasks.delete(change.deleted.id)
  }

  /** @param isEvent it has to be a new number then; the next page of a walk has that of the page before */
  advance (to: string, isEvent: boolean): void {
    const { revision, time } = positionOf(to, this.#seen.owner)!.seen
    if (revision < this.#seen.number || (isEvent && revision === this.#seen.number)) this.#seen.duplicates++
    this.#seen.number = revision
    this.position = to
    const now = Date.now()
    if (isEvent) this.#seen.delays.push([now, now - time])
  }

  forget (): void {
    this.#seen.resets++
    this.#seen.number = 0
    this.position = undefined
    this.#tasks.clear()
  }

  seen (): Seen { return { ...this.#seen, tasks: Object.fromEntries(this.#tasks) } }
}

import { randomUUID } from 'node:crypto'
import type { Task } from '../../../src/schemas/tasks.js'
import { SECRET_WORD } from './log.js'

/** What a task may look like in the database. Members that are not known are not there; null is no task. */
export type State = Partial<Task> | null

/** One task that somebody has asked for, and what may have become of it. */
export interface Entry {
  /** In the description of every version of the task: what finds it when its id was never told. */
  key: string
  /** One state when the last write was acknowledged; two while, or because, its outcome is unknown. */
  may: State[]
  /** Writes that were acknowledged. */
  acknowledged: number
}

/**
 * Texts of one version of a task. Both say which, so that half an update shows.
 * @param version counts up from 1
 */
export const textsOf = (key: string, version: number) =>
  ({ title: `${SECRET_WORD} ${version} of ${key}`, description: `${key} ${version} ${SECRET_WORD}` })

/** What was asked and what was answered: more than the server can know after a crash. */
export class Ledger {
  readonly entries: Entry[] = []

  /** Before a create is sent. */
  open (owner: string): Entry {
    const key = randomUUID()
    const entry = { key, may: [null, { ...textsOf(key, 1), is_completed: false, user_id: owner }], acknowledged: 0 }
    this.entries.push(entry)
    return entry
  }
}

/** Before a write is sent: it may happen or not. @param change null for a removal */
export function expect (entry: Entry, change: Partial<Task> | null): void {
  const { updated_at: _, ...before } = entry.may[0]!
  entry.may = [entry.may[0]!, change && { ...before, ...change }]
}

/** When it was acknowledged: it has happened, exactly as answered. */
export function acknowledge (entry: Entry, state: State): void {
  entry.may = [state]
  entry.acknowledged++
}

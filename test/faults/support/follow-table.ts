import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { folder } from './run.js'
import { markdown, number, time } from './table.js'

/** What became of those who followed. */
export interface FollowRow {
  followed: string
  clients: number
  /** Changes that were written, and how often one was told. */
  changes: number
  told: number
  /** How often somebody came again. */
  reconnects: number
  /** Tasks that somebody does not have as the database has them, in the end. */
  missed: number
  /** Numbers that came twice, or out of order. */
  duplicates: number
  /** Milliseconds from the time of a change until an event told it. */
  p50: number
  p99: number
}

export const FOLLOW_ROWS = 'follow-rows.jsonl'

/** Writes a row down, and says it. */
export function reportFollowed (t: Test, row: FollowRow): void {
  appendFileSync(join(folder, FOLLOW_ROWS), `${JSON.stringify(row)}\n`)
  t.comment(followTableOf([row]))
}

const HEAD = ['followed', 'clients', 'changes', 'told', 'reconnects', 'missed', 'duplicates', 'p50', 'p99']

/** A table in Markdown. */
export const followTableOf = (rows: FollowRow[]): string =>
  markdown(HEAD, rows.map(({ followed, clients, changes, told, reconnects, missed, duplicates, p50, p99 }) =>
    [followed, ...[clients, changes, told, reconnects, missed, duplicates].map(number), time(p50), time(p99)]))

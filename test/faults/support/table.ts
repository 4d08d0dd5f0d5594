import { execFile } from 'node:child_process'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import type { Audit } from './audit.js'
import type { Person } from './client.js'
import type { Ledger } from './ledger.js'
import type { Sample } from './load.js'
import { folder, NOISE, PROMISED } from './run.js'

/** What a fault did. */
export interface Row {
  fault: string
  sent: number
  /** Got an answer. */
  answered: number
  /** Got a 5xx, or none. */
  failed: number
  /** Milliseconds of the slowest answer. */
  slowest: number
  /** Acknowledged writes that a fresh process has looked for, and those it has not found. */
  audited?: number
  lost?: number
  /** Milliseconds from the end of the fault to the first request after which all succeeded. */
  recovery?: number
}

export const ROWS = 'rows.jsonl'
export const NOTES = 'notes.txt'

/** Writes down what has no column in the table. */
export function note (t: Test, text: string): void {
  appendFileSync(join(folder, NOTES), `- ${t.name}: ${text}\n`)
}

/** Writes a row of the table down, and says it. */
export function report (t: Test, row: Row): void {
  appendFileSync(join(folder, ROWS), `${JSON.stringify(row)}\n`)
  t.comment(tableOf([row]))
}

/** The columns of a row that samples tell. */
export const countsOf = (samples: Array<Pick<Sample, 'outcome' | 'ms'>>) => ({
  sent: samples.length,
  answered: samples.filter(({ outcome }) => typeof outcome === 'number').length,
  failed: samples.filter(({ outcome }) => typeof outcome === 'string' || outcome >= 500).length,
  slowest: samples.reduce((slowest, { ms }) => Math.max(slowest, ms), 0)
})

/** Whether each request was answered, in the contract's shape, and soon enough. */
export function isAnswered (t: Test, samples: Sample[]): void {
  t.strictSame(tally(samples.filter(({ outcome }) => typeof outcome === 'string').map(({ outcome }) => String(outcome))), {}, 'every request has an answer')
  t.strictSame(tally(samples.flatMap(({ wrong }) => wrong ?? [])), {}, 'every answer is a success or a 503 in its shape')
  t.ok(countsOf(samples).slowest < PROMISED * NOISE, `within ${NOISE} times ${PROMISED} ms`)
}

/** How often each text occurs. */
export function tally (texts: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1
  return counts
}

const auditor = fileURLToPath(new URL('audit.ts', import.meta.url))

/** Compares a ledger with a database, in a fresh process. */
export async function auditOf (url: string, people: Person[], { entries }: Ledger): Promise<Audit> {
  const file = join(folder, `ledger-${process.pid}.json`)
  writeFileSync(file, JSON.stringify({ owners: people.map(({ id }) => id), entries }))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', auditor, url, file], { env: { PATH: process.env.PATH } })
  return JSON.parse(stdout) as Audit
}

/** Whether nothing is lost, doubled or strange. */
export function isWhole (t: Test, audit: Audit): void {
  t.ok(audit.audited > 0, 'there was something to audit')
  t.match(audit, { lost: 0, twice: 0, strange: 0 })
}

const HEAD = ['fault', 'sent', 'answered', '5xx or none', 'slowest', 'writes audited', 'lost', 'recovery']

export const number = (value?: number): string => value === undefined ? '–' : value.toLocaleString('en')
export const time = (ms?: number): string => ms === undefined ? '–' : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`

/** A table in Markdown. */
export const tableOf = (rows: Row[]): string =>
  markdown(HEAD, rows.map(({ fault, sent, answered, failed, slowest, audited, lost, recovery }) =>
    [fault, number(sent), number(answered), number(failed), time(slowest), number(audited), number(lost), time(recovery)]))

/** Lines of cells, of which the first is a text and the others are numbers. */
export const markdown = (head: string[], lines: string[][]): string =>
  [head, head.map((_, column) => column === 0 ? '---' : '---:'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

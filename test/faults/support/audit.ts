import { readFileSync } from 'node:fs'
import postgres from 'postgres'
import type { Task } from '../../../src/schemas/tasks.js'
import type { Entry, State } from './ledger.js'

/*
 * A process of its own that compares a ledger with the tables, by SQL alone: no code of the server takes part.
 * Usage: audit.ts DATABASE_URL LEDGER, where a ledger is {owners: [id], entries: [Entry]}
 */

/** What an audit has found. */
export interface Audit {
  /** Acknowledged writes whose effect was looked for. */
  audited: number
  /** Tasks that are not as the last acknowledged write left them. */
  lost: number
  /** Tasks that are there more than once. */
  twice: number
  /** Tasks in a state that nobody has asked for: half an update, or from nowhere. */
  strange: number
}

const TASKS = `select id, title, description, is_completed, due_date::text as due_date, owner_id as user_id,
  to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as created_at,
  to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as updated_at
  from todo.tasks where owner_id = any(string_to_array($1, ',')::uuid[])`

async function tasksOf (url: string, owners: string[]): Promise<Task[]> {
  const values = [owners.join(',')]
  if (!url.startsWith('pglite:')) {
    const client = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
    const found = await client.unsafe<Task[]>(TASKS, values)
    await client.end()
    return [...found]
  }
  const { PGlite } = await import('@electric-sql/pglite')
  const client = await PGlite.create({ dataDir: url.slice('pglite:'.length) })
  const { rows } = await client.query<Task>(TASKS, values)
  await client.close()
  return rows
}

function audit (entries: Entry[], found: Task[]): Audit {
  const byKey = new Map<string | undefined, Task[]>()
  for (const task of found) {
    const key = task.description?.split(' ')[0]
    byKey.set(key, [...byKey.get(key) ?? [], task])
  }
  const result = { audited: 0, lost: 0, twice: 0, strange: 0 }
  for (const { key, may, acknowledged } of entries) {
    const [task = null, ...others] = byKey.get(key) ?? []
    byKey.delete(key)
    result.audited += acknowledged
    if (others.length > 0) result.twice++
    if (may.some((state) => fits(task, state))) continue
    if (acknowledged > 0) result.lost++
    else result.strange++
  }
  result.strange += byKey.size
  return result
}

const fits = (task: Task | null, state: State) => task === null || state === null
  ? task === state
  : Object.entries(state).every(([name, value]) => task[name as keyof Task] === value)

const [url, file] = process.argv.slice(2) as [string, string]
const { owners, entries } = JSON.parse(readFileSync(file, 'utf8')) as { owners: string[], entries: Entry[] }
console.log(JSON.stringify(audit(entries, await tasksOf(url, owners))))

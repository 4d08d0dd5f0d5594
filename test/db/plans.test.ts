import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { tasksOf, type OwnedTasks } from '../../src/repositories/owned-tasks.js'
import { cleanDatabase, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
// Statement after statement, so that it is the same connection and its prepared statements are there.
const sql = sqlOn(database)

const uuid = (kind: string, n: string) => `('00000000-0000-7000-${kind}-' || lpad((${n})::text, 12, '0'))::uuid`

// 10 users with 1,000 tasks each, made by turns, one a second; a quarter is done. Neighbours in a list are far apart
// in the table, which is when a planner likes other ways than the index.
await sql(`insert into users (id, email, name, password_hash)
  select ${uuid('8000', 'n')}, n || '@example.com', 'User', 'x' from generate_series(0, 9) n`)
await sql(`insert into tasks (id, owner_id, title, is_completed, created_at)
  select ${uuid('9000', 'n')}, ${uuid('8000', 'n % 10')}, 'Task ' || n, n / 10 % 4 = 0, timestamptz '2026-01-01Z' + n * interval '1 second'
  from generate_series(0, 9999) n`)
await sql('analyze')

const owner = '00000000-0000-7000-8000-000000000003'
const id = '00000000-0000-7000-9000-000000000013'
const newest = { created_at: '2026-01-01T02:46:30.000Z', id }
const old = { created_at: '2026-01-01T00:10:00.000Z', id }

const ALL = 'tasks_owner_created'
const FILTERED = 'tasks_owner_completed_created'
const ONE = 'tasks_pkey'

/** What is asked, and the index that has to answer it. */
const operations: Array<[name: string, index: string, operation: (tasks: OwnedTasks) => Promise<unknown>]> = [
  ['the first page by offset', ALL, async (tasks) => tasks.list(51, 0)],
  ['a page in the middle', ALL, async (tasks) => tasks.list(51, 500)],
  ['the last page', ALL, async (tasks) => tasks.list(51, 950)],
  ['the largest page', ALL, async (tasks) => tasks.list(101, 100)],
  ['a page past the end', ALL, async (tasks) => tasks.list(51, 5000)],
  ['the first page of the done', FILTERED, async (tasks) => tasks.list(51, 0, true)],
  ['a page of the done in the middle', FILTERED, async (tasks) => tasks.list(51, 120, true)],
  ['a page of the open in the middle', FILTERED, async (tasks) => tasks.list(51, 400, false)],
  ['a page of the done past the end', FILTERED, async (tasks) => tasks.list(51, 5000, true)],
  ['the first page by cursor', ALL, async (tasks) => tasks.listAfter(51, newest)],
  ['a deep page by cursor', ALL, async (tasks) => tasks.listAfter(51, old)],
  ['the first page of the done by cursor', FILTERED, async (tasks) => tasks.listAfter(51, newest, true)],
  ['a deep page of the done by cursor', FILTERED, async (tasks) => tasks.listAfter(51, old, true)],
  ['a deep page of the open by cursor', FILTERED, async (tasks) => tasks.listAfter(51, old, false)],
  ['one task', ONE, async (tasks) => tasks.find(id)],
  ['an update', ONE, async (tasks) => tasks.update(id, 'New', null)],
  ['a completion', ONE, async (tasks) => tasks.complete(id, null)],
  ['why a task was not found', ONE, async (tasks) => tasks.explain('00000000-0000-7000-9000-000000000014')],
  ['a deletion', ONE, async (tasks) => tasks.remove(id)]
]

interface Sent { text: string, values: unknown[] }

/** The very statements that an operation sends. */
async function sent (operation: (tasks: OwnedTasks) => Promise<unknown>): Promise<Sent[]> {
  const statements: Sent[] = []
  const recorder: Database = {
    ...database,
    async run (statement, values = {}) {
      statements.push({ text: statement.text, values: statement.bind(values) })
      return await database.run(statement, values)
    }
  }
  await operation(tasksOf(recorder, owner))
  return statements
}

interface Node { 'Node Type': string, 'Relation Name'?: string, 'Index Name'?: string, 'Subplan Name'?: string, Plans?: Node[] }

let prepared = 0

/** How PostgreSQL would run it. @param mode with these values in mind, or (force_generic_plan) for any */
async function planOf ({ text, values }: Sent, mode: string): Promise<Node> {
  const name = `plan_${prepared++}`
  const literals = values.map((value) => value === null ? 'null' : `'${String(value)}'`)
  await sql(`set plan_cache_mode = ${mode}`)
  await sql(`prepare ${name} as ${text}`)
  const [row] = await sql<{ 'QUERY PLAN': Array<{ Plan: Node }> }>(`explain (format json) execute ${name}(${literals.join(', ')})`)
  return row!['QUERY PLAN'][0]!.Plan
}

const within = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(within)]

/** The same without what is asked once, beside the rows: the total. */
const besideSubplans = (node: Node): Node[] =>
  [node, ...(node.Plans ?? []).filter((child) => !child['Subplan Name']).flatMap(besideSubplans)]

for (const [name, index, operation] of operations) {
  t.test(`${name}: ${index}`, async (t) => {
    for (const statement of await sent(operation)) {
      for (const mode of ['auto', 'force_generic_plan']) {
        const plan = await planOf(statement, mode)
        const said = { mode, statement: statement.text, plan: JSON.stringify(plan) }
        const all = within(plan)
        t.notOk(all.find((node) => node['Node Type'] === 'Sort' || node['Node Type'] === 'Incremental Sort'), 'no sort', said)
        t.notOk(all.find((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'tasks'), 'no scan of the table', said)
        // A total alone is asked of the counts.
        if (!statement.text.includes('from "tasks"')) continue
        t.ok(all.some((node) => node['Index Name'] === index), 'its index', said)
        t.notOk(besideSubplans(plan).find((node) => node['Node Type'].startsWith('Bitmap')), 'row by row', said)
      }
    }
  })
}

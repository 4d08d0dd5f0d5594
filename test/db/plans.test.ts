import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { tasksOf, type OwnedTasks } from '../../src/repositories/owned-tasks.js'
import { cleanDatabase, isDistributed, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
// Statement after statement, so that it is the same connection and its prepared statements are there.
const sql = sqlOn(database)

const uuid = (kind: string, n: string) => `('00000000-0000-7000-${kind}-' || lpad((${n})::text, 12, '0'))::uuid`

// 1,000 users, of whom 10 have 1,000 tasks each, made by turns, one a second; a quarter is done. Neighbours in a list are far
// apart in the table, which is when a planner likes other ways than the index.
await sql(`insert into todo.users (id, email, name, password_hash)
  select ${uuid('8000', 'n')}, n || '@example.com', 'User', 'x' from generate_series(0, 999) n`)
await sql('insert into todo.task_lists (owner_id, revision, open, done) select id, 10, 750, 250 from todo.users')
await sql('insert into todo.task_changes (owner_id, revision) select id, n from todo.users, generate_series(0, 10) n')
await sql(`insert into todo.tasks (id, owner_id, title, is_completed, created_at, due_date)
  select ${uuid('9000', 'n')}, ${uuid('8000', 'n % 10')}, 'Task ' || n, n / 10 % 4 = 0, timestamptz '2026-01-01Z' + n * interval '1 second',
    case when n / 10 % 2 = 0 then date '2026-01-01' + n / 10 % 365 end
  from generate_series(0, 9999) n`)
await sql('analyze')

const owner = '00000000-0000-7000-8000-000000000003'
const id = '00000000-0000-7000-9000-000000000013'
const newest = { key: '2026-01-01T02:46:30.000Z', id }
const old = { key: '2026-01-01T00:10:00.000Z', id }
const young = { key: '2026-01-01T02:36:40.000Z', id }

const ALL = 'tasks_owner_created'
const FILTERED = 'tasks_owner_completed_created'
const DUE = 'tasks_owner_due'
const ONE = 'tasks_pkey'

type Operation = (tasks: OwnedTasks) => Promise<unknown>

/** Each kind of page in each order, of all tasks or of those of a filter: the index that has to answer it. */
const pages = (['-created_at', 'created_at', 'due_date'] as const).flatMap((sort) =>
  [undefined, true, false].flatMap((completed): Array<[name: string, index: string, operation: Operation]> => {
    const query = { sort, completed }
    const index = sort === 'due_date' ? DUE : completed === undefined ? ALL : FILTERED
    const [first, deep] = sort === 'due_date' ? [{ key: '2026-01-02', id }, { key: null, id }] : sort === 'created_at' ? [old, young] : [newest, old]
    const of = `by ${sort}, ${completed === undefined ? 'all' : completed ? 'the done' : 'the open'}`
    return [
      [`the first page ${of}`, index, async (tasks) => tasks.list(51, 0, query)],
      [`a page in the middle ${of}`, index, async (tasks) => tasks.list(51, 120, query)],
      [`the largest page ${of}`, index, async (tasks) => tasks.list(101, 100, query)],
      [`a page past the end ${of}`, index, async (tasks) => tasks.list(51, 5000, query)],
      [`the first page by cursor ${of}`, index, async (tasks) => tasks.listAfter(51, first, query)],
      [`a deep page by cursor ${of}`, index, async (tasks) => tasks.listAfter(51, deep, query)]
    ]
  }))

/** What is asked, and the index that has to answer it. */
const operations: Array<[name: string, index: string, operation: Operation]> = [
  ...pages,
  ['the last page', ALL, async (tasks) => tasks.list(51, 950)],
  ['what is due in a month, soonest first', DUE, async (tasks) => tasks.list(51, 0, { sort: 'due_date', dueAfter: '2026-02-01', dueBefore: '2026-02-28' })],
  ['what is due in a month, after a cursor', DUE, async (tasks) =>
    tasks.listAfter(51, { key: '2026-02-03', id }, { sort: 'due_date', dueAfter: '2026-02-01', dueBefore: '2026-02-28' })],
  ['one task', ONE, async (tasks) => tasks.find(id)],
  ['an update', ONE, async (tasks) => tasks.update(id, { title: 'New', description: null })],
  ['an update of a known state', ONE, async (tasks) => tasks.update(id, { title: 'New', description: null }, [{ revision: 1, time: 1 }])],
  ['a patch', ONE, async (tasks) => tasks.patch(id, { title: 'New' })],
  ['a completion', ONE, async (tasks) => tasks.complete(id, null)],
  ['a creation', 'task_lists_pkey', async (tasks) => tasks.create({ title: 'New', description: null })],
  ['a creation under a key', 'task_lists_pkey', async (tasks) => tasks.createOnce('key', { title: 'New', description: null })],
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
  const literals = values.map((value) => value === null ? 'null' : Buffer.isBuffer(value) ? `'\\x${value.toString('hex')}'` : `'${String(value)}'`)
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
  t.test(`${name}: ${index}`, { skip: isDistributed && 'workers plan' }, async (t) => {
    for (const statement of await sent(operation)) {
      for (const mode of ['auto', 'force_generic_plan']) {
        const plan = await planOf(statement, mode)
        const said = { mode, statement: statement.text, plan: JSON.stringify(plan) }
        const all = within(plan)
        t.notOk(all.find((node) => node['Node Type'] === 'Sort' || node['Node Type'] === 'Incremental Sort'), 'no sort', said)
        t.notOk(all.find((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'tasks'), 'no scan of the table', said)
        t.ok(all.some((node) => node['Index Name'] === index), 'its index', said)
        t.notOk(besideSubplans(plan).find((node) => node['Node Type'].startsWith('Bitmap')), 'row by row', said)
      }
    }
  })
}

import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { changesOf, othersThan, type Known, type OwnedChanges } from '../../src/repositories/owned-changes.js'
import { tasksOf, type OwnedTasks } from '../../src/repositories/owned-tasks.js'
import { changesAfter } from '../../src/sync/changes.js'
import type { Place } from '../../src/sync/positions.js'
import { cleanDatabase, isDistributed, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
const sql = sqlOn(database)

/** Two owners, of whom one has a hundred times as many tasks as the other; and others, who have none. */
const ALL = 20_000
const few = '00000000-0000-7000-8000-000000000001'
const many = '00000000-0000-7000-8000-000000000002'
await sql(`insert into todo.users (id, email, name, password_hash)
  select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, n || '@example.com', 'User', 'x' from generate_series(1, 5000) n`)
await sql('insert into todo.task_lists (owner_id) select id from todo.users')
await sql('insert into todo.task_changes (owner_id, revision) select id, 0 from todo.users')
await sql(`insert into todo.tasks (id, owner_id, title, created_at, revision)
  select ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, case when n % 100 = 0 then '${few}'::uuid else '${many}'::uuid end, 'Task',
    timestamptz '2026-01-01Z' + n * interval '1 second', case when n % 100 = 0 then n / 100 else n end from generate_series(1, ${ALL}) n`)
await sql(`insert into todo.task_changes (owner_id, revision, task_id, changed_at)
  select owner_id, revision, id, created_at from todo.tasks`)
await sql(`update todo.task_lists l set revision = (select max(revision) from todo.task_changes c where c.owner_id = l.owner_id),
  changed_at = (select changed_at from todo.task_changes c where c.owner_id = l.owner_id order by revision desc limit 1)`)
await sql('analyze')

interface Node {
  'Node Type': string
  'Relation Name'?: string
  Filter?: string
  'Join Filter'?: string
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  Plans?: Node[]
}
const within = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(within)]

let prepared = 0

type Ask = (tasks: OwnedTasks, changes: OwnedChanges, db: Database) => Promise<unknown>

/** Runs what is asked, and explains each statement as PostgreSQL has run it for any values. */
async function plansOf (ask: Ask, owner: string): Promise<Node[]> {
  const plans: Node[] = []
  const recorder: Database = {
    ...database,
    async run (statement, values = {}) {
      const name = `cost_${prepared++}`
      await sql('set plan_cache_mode = force_generic_plan')
      await sql(`prepare ${name} as ${statement.text}`)
      const literals = statement.bind(values).map((value) => value === null ? 'null' : `'${String(value)}'`)
      const [row] = await sql<{ 'QUERY PLAN': Array<{ Plan: Node }> }>(
        `explain (analyze, buffers, format json) execute ${name}(${literals.join(', ')})`)
      plans.push(row!['QUERY PLAN'][0]!.Plan)
      return await database.run(statement, values)
    }
  }
  await ask(tasksOf(recorder, owner), changesOf(recorder, owner), recorder)
  return plans
}

const blocksOf = (plans: Node[]) => plans.reduce((sum, plan) => sum + plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], 0)

/** A change in the middle of an owner's, and the place of its task. */
async function middleOf (owner: string, part: number) {
  const [row] = await sql<{ revision: number, changed_at: string, id: string }>(`select c.revision, c.changed_at, c.task_id as id
    from todo.task_changes c where c.owner_id = $1 and c.revision >= (select revision from todo.task_lists where owner_id = $1) * ${part}
    order by c.revision limit 1`, [owner])
  const time = Date.parse(row!.changed_at)
  const place: Place = { time, id: row!.id }
  return { seen: { revision: row!.revision, time }, place }
}

const asked: Record<string, (owner: string) => Promise<Ask>> = {
  'the first page of a walk': async () => async (tasks, changes) => changesAfter(tasks, changes, null, 50),
  'a page in the middle of a walk': async (owner) => {
    const { seen, place } = await middleOf(owner, 0.5)
    return async (tasks, changes) => changesAfter(tasks, changes, { owner, seen, walked: place }, 50)
  },
  'a page in the middle of the changes': async (owner) => {
    const { seen } = await middleOf(owner, 0.5)
    return async (tasks, changes) => changesAfter(tasks, changes, { owner, seen }, 50)
  },
  'the last page': async (owner) => {
    const { seen } = await middleOf(owner, 1)
    return async (tasks, changes) => changesAfter(tasks, changes, { owner, seen }, 50)
  },
  'the newest change': async () => async (_tasks, changes) => changes.newest(),
  'the question of every second': async (owner) => {
    const { seen } = await middleOf(owner, 1)
    return async (_tasks, _changes, db) => othersThan(db, [{ owner, ...seen }])
  }
}

for (const [name, of] of Object.entries(asked)) {
  t.test(`${name} is one statement, by indexes alone, and reads no more where there are a hundred times as many tasks`, { skip: isDistributed && 'workers plan' }, async (t) => {
    const [small, large] = [await plansOf(await of(few), few), await plansOf(await of(many), many)]
    for (const plans of [small, large]) {
      t.equal(plans.length, 1)
      const nodes = plans.flatMap(within)
      t.strictSame(nodes.filter((node) => /^(Seq|Bitmap)|Sort|Hash/.test(node['Node Type'])).map((node) => node['Node Type']), [], JSON.stringify(plans))
    }
    // A tree of a hundred times as many entries is a level deeper, for the page and for each task of a change.
    t.ok(blocksOf(large) <= blocksOf(small) * 1.5 + 10, `${blocksOf(large)} blocks, ${blocksOf(small)} where there are few`)
  })
}

/** So many owners, with their newest changes. */
async function knownOf (count: number) {
  const rows = await sql<{ owner: string, revision: number, at: string }>(
    'select owner_id as owner, revision, changed_at as at from todo.task_lists order by owner_id limit $1', [count])
  return rows.map(({ owner, revision, at }) => ({ owner, revision, time: Date.parse(at) }))
}

t.test('the question of every second is answered by those of whom another change is the newest, or who are gone, and by no others', async (t) => {
  const known = await knownOf(1000)
  const answers: Array<{ present?: number, others?: string | null }> = []
  const recorder: Database = {
    ...database,
    async run (statement, values) {
      const rows = await database.run(statement, values)
      answers.push(...rows as object[])
      return rows
    }
  }
  t.strictSame(await othersThan(recorder, known), new Set())
  const [newer, older, undone, gone] = known as [Known, Known, Known, Known]
  const changed = [
    { ...newer, revision: newer.revision - 1 }, { ...older, revision: older.revision + 1 }, { ...undone, time: undone.time - 1 },
    { ...gone, owner: '00000000-0000-7000-8000-999999999999' }
  ]
  t.strictSame(await othersThan(recorder, [...changed, newer, ...known.slice(4)]), new Set(changed.map(({ owner }) => owner)))
  t.match(answers, [{ present: known.length, others: null }, { present: known.length, others: /^[^,]+(,[^,]+){2}$/ }, { owners: String }])
  t.equal(answers.length, 3, 'whether somebody is there is asked when somebody is gone alone')
})

t.test('the owners of the question are read once, and not for each row of a table that PostgreSQL knows nothing of yet', { skip: isDistributed && 'workers plan' }, async (t) => {
  const known = await knownOf(1000)
  // As it plans without statistics.
  const ways = ['enable_indexscan', 'enable_bitmapscan', 'enable_indexonlyscan']
  for (const way of ways) await sql(`set ${way} = off`)
  const plans = await plansOf(async (_tasks, _changes, db) => othersThan(db, known), few)
  for (const way of ways) await sql(`reset ${way}`)
  const filters = plans.flatMap(within).flatMap((node) => [node.Filter ?? '', node['Join Filter'] ?? ''])
  t.strictSame(filters.filter((filter) => filter.includes('uuid[]')), [])
})

import postgres from 'postgres'
import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { tasksOf } from '../../src/repositories/owned-tasks.js'
import { recount } from '../../src/repositories/recount.js'
import { cleanDatabase, isDistributed, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'
import { until } from '../support/until.js'

const { database, url, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
const sql = sqlOn(database)

const owner = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const COUNTED = `select owner_id, count(*) filter (where not is_completed)::int as open, count(*) filter (where is_completed)::int as done
  from todo.tasks group by owner_id order by owner_id`
const KEPT = 'select owner_id, open, done from todo.task_lists order by owner_id'

// More lists than are compared at once.
await sql(`insert into todo.users (id, email, name, password_hash)
  select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, n || '@example.com', 'User', 'x' from generate_series(0, 204) n`)
await sql('insert into todo.task_lists (owner_id, open, done) select id, 3, 1 from todo.users')
await sql('insert into todo.task_changes (owner_id, revision) select id, 0 from todo.users')
await sql(`insert into todo.tasks (id, owner_id, title, is_completed)
  select gen_random_uuid(), users.id, n, n = 3 from todo.users, generate_series(1, 4) n`)

t.test('right totals are left alone', async (t) => {
  t.equal(await recount(database), 0)
  t.strictSame(await sql(KEPT), await sql(COUNTED))
})

t.test('wrong totals are right again, also while others write, and count as well', async (t) => {
  for (const n of [0, 99, 100, 204]) await sql('update todo.task_lists set open = open + 2, done = 0 where owner_id = $1', [owner(n)])
  await sql('delete from todo.tasks where owner_id = $1', [owner(150)])
  const write = async (n: number) => {
    const tasks = tasksOf(database, owner(n))
    for (let times = 0; times < 20; times++) {
      const { task: { id } } = (await tasks.create({ title: 'New', description: null }))!
      if (times % 3) await tasks.complete(id, null)
      if (times % 2) await tasks.remove(id)
    }
  }
  const [one, other] = await Promise.all([recount(database), recount(database), ...[0, 99, 150, 151, 204].map(write)])
  t.equal(one + other, 5)
  await sql('insert into todo.tasks (id, owner_id, title) values (gen_random_uuid(), $1, $2)', [owner(150), 'So that it has one'])
  t.equal(await recount(database), 1)
  t.strictSame(await sql(KEPT), await sql(COUNTED))
})

t.test('a list that somebody writes to while it is counted is counted again', async (t) => {
  await sql('update todo.task_lists set open = 9 where owner_id = $1', [owner(7)])
  let counts = 0
  const busy: Database = {
    ...database,
    async run (statement, values) {
      const rows = await database.run<{ corrected: boolean }>(statement as never, values)
      if (statement.name !== 'lists.recount' || counts++ > 0) return rows as never
      // What the statement returns when the list's number was another as soon as it had its lock.
      await sql('update todo.task_lists set open = 9 where owner_id = $1', [owner(7)])
      return rows.map((row) => ({ ...row, corrected: false })) as never
    }
  }
  t.equal(await recount(busy), 1)
  t.equal(counts, 2)
  t.strictSame(await sql(KEPT), await sql(COUNTED))
})

t.test('a list that two count at the same time is corrected by one of them', { skip: (!url || isDistributed) && 'needs two connections, whose waiting can be seen' }, async (t) => {
  const other = postgres(url!, { max: 2 })
  teardown(t, async () => other.end())
  await sql('update todo.task_lists set done = 9 where owner_id = $1', [owner(7)])
  let counts: Array<Promise<number>> = []
  await other.begin(async (transaction) => {
    await transaction`select 1 from todo.task_lists where owner_id = ${owner(7)} for update`
    counts = [recount(database), recount(database)]
    await until('both wait for the list', async () => {
      const [waiting] = await other`select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      return waiting!.n === 2
    })
  })
  t.strictSame((await Promise.all(counts)).sort(), [0, 1])
  t.strictSame(await sql(KEPT), await sql(COUNTED))
})

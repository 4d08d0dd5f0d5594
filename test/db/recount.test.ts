import t from 'tap'
import { cleanDatabase, connectTo, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'

const { database, url, drop } = await cleanDatabase()
// Whoever counts anew ends their own connections first; others write meanwhile.
const others = url === undefined ? database : connectTo(url)
await others.start()
teardown(t, async () => {
  await others.close()
  await database.close()
  await drop()
})
const sql = sqlOn(others)

const owner = (n: number) => `'00000000-0000-7000-8000-00000000000${n}'`
const COUNTED = `select owner_id, count(*) filter (where not is_completed)::int as open, count(*) filter (where is_completed)::int as done
  from tasks group by owner_id order by owner_id`
const KEPT = 'select owner_id, sum(open)::int as open, sum(done)::int as done from task_counts group by owner_id order by owner_id'

await sql(`insert into users (id, email, name, password_hash)
  select ('00000000-0000-7000-8000-00000000000' || n)::uuid, n || '@example.com', 'User', 'x' from generate_series(0, 4) n`)
await sql(`insert into tasks (id, owner_id, title, is_completed)
  select gen_random_uuid(), users.id, n, n % 3 = 0 from users, generate_series(1, 20) n`)

t.test('right totals are left alone', async (t) => {
  t.equal(await database.recount(), 0)
  t.strictSame(await sql(KEPT), await sql(COUNTED))
})

t.test('wrong totals are right again, also while others write', async (t) => {
  await sql(`update task_counts set open = 2 * open where owner_id = ${owner(0)}`)
  await sql(`update task_counts set open = open - 1, done = done + 7 where owner_id = ${owner(1)}`)
  await sql(`delete from task_counts where owner_id = ${owner(2)}`)
  await sql(`insert into task_counts (owner_id, slot, open, done) values (${owner(3)}, 99, 5, 0)`)
  const write = async (n: number) => {
    for (let times = 0; times < 20; times++) {
      await sql(`insert into tasks (id, owner_id, title) values (gen_random_uuid(), ${owner(n)}, 'New')`)
      await sql(`update tasks set is_completed = not is_completed where owner_id = ${owner(n)} and title = '1'`)
      await sql(`delete from tasks where owner_id = ${owner(n)} and title = 'New' and is_completed`)
    }
  }
  const [recounted] = await Promise.all([database.recount(), ...[0, 1, 2, 3, 4].map(write)])
  t.equal(recounted, 4)
  t.strictSame(await sql(KEPT), await sql(COUNTED))
  t.equal(await database.recount(), 0)
})

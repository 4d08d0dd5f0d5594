import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import postgres from 'postgres'
import t from 'tap'
import { ConstraintViolation } from '../../src/db/errors.js'
import { cleanDatabase, connectTo, createDatabase, serverUrl, sqlOn } from '../support/database.js'

const OWNERS = 5
const owner = (n: number) => `'00000000-0000-7000-8000-00000000000${n}'`

const ADD_OWNERS = `insert into users (id, email, name, password_hash)
  select ('00000000-0000-7000-8000-00000000000' || n)::uuid, n || '@example.com', 'User', 'x' from generate_series(0, ${OWNERS - 1}) n
  on conflict do nothing`

/** The owners whose kept count is not what counting says, in one moment. */
const WRONG = `
  select owner_id, counted.open, counted.done, kept.open as kept_open, kept.done as kept_done
  from (select owner_id, count(*) filter (where not is_completed) as open, count(*) filter (where is_completed) as done
    from tasks group by owner_id) as counted
  full join (select owner_id, sum(open) as open, sum(done) as done from task_counts group by owner_id) as kept using (owner_id)
  where coalesce(counted.open, 0) <> coalesce(kept.open, 0) or coalesce(counted.done, 0) <> coalesce(kept.done, 0)`

const anOwner = fc.nat(OWNERS - 1).map(owner)
const aTitle = fc.nat(9).map((n) => `title = '${n}'`)

/** Whatever SQL can do to tasks, far beyond what the product does. Titles are 0 to 9. */
const change = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(anOwner, fc.nat(9), fc.boolean()).map(([of, count, done]) => `insert into tasks (id, owner_id, title, is_completed)
      select gen_random_uuid(), ${of}, n, ${String(done)} from generate_series(0, ${count}) n`)
  },
  { weight: 1, arbitrary: fc.constant("insert into tasks (id, owner_id, title) select gen_random_uuid(), id, '0' from users order by random()") },
  { weight: 3, arbitrary: aTitle.map((which) => `update tasks set is_completed = not is_completed where ${which}`) },
  { weight: 1, arbitrary: fc.boolean().map((done) => `update tasks set is_completed = ${String(done)}`) },
  { weight: 1, arbitrary: aTitle.map((which) => `update tasks set updated_at = now() where ${which}`) },
  { weight: 2, arbitrary: fc.tuple(anOwner, anOwner).map(([from, to]) => `update tasks set owner_id = ${to} where owner_id = ${from}`) },
  { weight: 3, arbitrary: aTitle.map((which) => `delete from tasks where ${which}`) },
  { weight: 1, arbitrary: anOwner.map((id) => `delete from users where id = ${id}`) }
)

const oneUser = !serverUrl && 'the embedded database has one user'

t.test('the kept counts are what counting says, whatever is done to tasks and owners', async (t) => {
  const { database, drop } = await cleanDatabase()
  t.teardown(async () => {
    await database.close()
    await drop()
  })
  const sql = sqlOn(database)
  const changeOrTruncation = fc.oneof({ weight: 19, arbitrary: change }, fc.constant('truncate tasks'))
  await fc.assert(fc.asyncProperty(fc.array(changeOrTruncation, { maxLength: 12 }), async (changes) => {
    await sql(ADD_OWNERS)
    for (const statement of changes) {
      // What is refused, for an owner that is gone, is undone as a whole.
      await sql(statement).catch((error: unknown) => { if (!(error instanceof ConstraintViolation)) throw error })
      const wrong = await sql(WRONG)
      if (wrong.length > 0) throw new Error(`${statement}: ${JSON.stringify(wrong)}`)
    }
  }), { numRuns: 60 })
  await sql('delete from users')
  t.strictSame(await sql('select * from task_counts'), [], 'an owner who goes leaves nothing behind')

  await sql(ADD_OWNERS)
  await sql('drop table task_counts')
  for (const name of ['count_tasks', 'forget_task_counts']) await sql(`drop function ${name} cascade`)
  await sql(`insert into tasks (id, owner_id, title, is_completed) select gen_random_uuid(), ${owner(1)}, n, n < 3 from generate_series(1, 9) n`)
  for (const name of ['0001_task_counts', '0002_task_counts_kept']) {
    const migration = readFileSync(new URL(`../../drizzle/${name}.sql`, import.meta.url), 'utf8')
    for (const statement of migration.split('--> statement-breakpoint')) await sql(statement)
  }
  t.strictSame(await sql('select open, done from task_counts'), [{ open: 7, done: 2 }], 'what was there before is counted')
})

t.test('with many writers at once, of whom some go back and some are cut off', { skip: oneUser }, async (t) => {
  const { url, drop } = await createDatabase(serverUrl!)
  const database = connectTo(url)
  await database.start()
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  t.teardown(async () => {
    await admin.end()
    await database.close()
    await drop()
  })
  const ends = { commit: 0, rollback: 0, 'select pg_terminate_backend(pg_backend_pid())': 0 }

  /** A few changes in one transaction, which is committed, rolled back, or cut off at its end. */
  async function write (changes: string[]): Promise<void> {
    const end = fc.sample(fc.constantFrom(...Object.keys(ends) as Array<keyof typeof ends>), 1)[0]!
    const writer = postgres(url, { max: 1, onnotice: () => {} })
    // A deadlock, or an owner that is gone, ends it before.
    await writer.unsafe(['begin', ...changes, end].join(';\n')).catch(() => {})
    ends[end]++
    await writer.end({ timeout: 1 })
  }

  const transactions = fc.sample(fc.array(change, { minLength: 1, maxLength: 3 }), 120)
  let isWriting = true
  const writers = Array.from({ length: 6 }, async () => {
    for (let changes = transactions.pop(); changes; changes = transactions.pop()) {
      await admin.unsafe(ADD_OWNERS)
      await write(changes)
    }
  })
  const all = Promise.all(writers).finally(() => { isWriting = false })
  let looks = 0
  // eslint-disable-next-line no-unmodified-loop-condition -- the writers end it
  for (; isWriting; looks++) {
    const wrong = await admin.unsafe(WRONG)
    if (wrong.length > 0) t.fail('in every moment', { wrong })
  }
  await all
  t.strictSame([...await admin.unsafe(WRONG)], [], 'and in the end')
  t.comment(ends, { looks })
  for (const [end, times] of Object.entries(ends)) t.ok(times > 0, end)
})

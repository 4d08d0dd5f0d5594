import fc from 'fast-check'
import postgres from 'postgres'
import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { cleanDatabase, connectTo, createDatabase, serverUrl, sqlOn } from '../support/database.js'
import { command, Follower, People, type Command } from '../support/people.js'

/**
 * What is not as it has to be, in one moment: a total that is not what counting says; a number that is missing in the journal,
 * or too many; a time that goes back; a task that is not in the state of its newest change, or of another than that.
 */
const WRONG = `
  select 'list' as what, l.owner_id, l.revision from todo.task_lists l
    left join (select owner_id, count(*) filter (where not is_completed) as open, count(*) filter (where is_completed) as done
      from todo.tasks group by owner_id) t using (owner_id)
    left join (select owner_id, count(*) as n, min(revision) as first, max(revision) as last, max(changed_at) as changed_at
      from todo.task_changes group by owner_id) c using (owner_id)
    where l.open <> coalesce(t.open, 0) or l.done <> coalesce(t.done, 0) or c.n is distinct from l.revision + 1 or c.first <> 0
      or c.last <> l.revision or c.changed_at <> l.changed_at
  union all
  select 'time', c.owner_id, c.revision from todo.task_changes c
    join todo.task_changes before on before.owner_id = c.owner_id and before.revision = c.revision - 1 where before.changed_at > c.changed_at
  union all
  select 'task', t.owner_id, t.revision from todo.tasks t
    left join todo.task_changes c on c.owner_id = t.owner_id and c.revision = t.revision and c.task_id = t.id and c.changed_at = t.updated_at
    where c.task_id is null
  union all
  select 'change', c.owner_id, c.revision
    from (select owner_id, task_id, max(revision) as revision from todo.task_changes where revision > 0 group by owner_id, task_id) c
    join todo.tasks t on t.owner_id = c.owner_id and t.id = c.task_id where t.revision <> c.revision`

t.test('totals, numbers and journal are what the tasks say, whatever is done', async (t) => {
  const { database, drop } = await cleanDatabase()
  t.teardown(async () => {
    await database.close()
    await drop()
  })
  const sql = sqlOn(database)
  await fc.assert(fc.asyncProperty(fc.array(command, { maxLength: 20 }), fc.boolean(), async (commands, atOnce) => {
    const people = new People(database)
    const followers = [new Follower(sql, await people.add()), new Follower(sql, await people.add())]
    const one = async (command: Command) => {
      await people.run(command)
      if (command.which % 3 === 0) for (const follower of followers) await follower.look()
      const wrong = await sql(WRONG)
      if (wrong.length > 0) throw new Error(`${command.kind}: ${JSON.stringify(wrong)}`)
    }
    if (atOnce) await Promise.all(commands.slice(0, 8).map(one))
    else for (const command of commands) await one(command)
    for (const follower of followers) if ((await follower.difference()).length > 0) throw new Error('the follower has missed something')
  }), { numRuns: 20 })
  await sql('delete from todo.users')
  for (const table of ['task_lists', 'task_changes', 'tasks', 'idempotency_keys']) {
    t.strictSame(await sql(`select * from todo.${table}`), [], `who goes leaves nothing behind in ${table}`)
  }
})

const oneUser = !serverUrl && 'the embedded database has one user'

const concurrent = 'with many writers at once, of one owner and of many, of whom some go back and some are cut off'

t.test(concurrent, { skip: oneUser, timeout: 150_000 }, async (t) => {
  const { url, drop } = await createDatabase(serverUrl!)
  const database = connectTo(url, { DATABASE_POOL_SIZE: '8', DATABASE_STATEMENT_TIMEOUT: '20000' })
  await database.start()
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  t.teardown(async () => {
    await admin.end()
    await database.close()
    await drop()
  })
  const ends = { committed: 0, 'rolled back': 0, 'cut off': 0, failed: 0 }

  /** The database through a connection of its own: each statement is undone in the end, or cut off in its middle. */
  const undone = (how: 'rolled back' | 'cut off'): Database => ({
    ...database,
    async run (statement, values = {}) {
      const writer = postgres(url, { max: 1, onnotice: () => {}, connection: { application_name: 'undone' } })
      try {
        await writer.unsafe('begin')
        await writer.unsafe(statement.text, statement.bind(values) as never[])
        await writer.unsafe(how === 'cut off' ? 'select pg_terminate_backend(pg_backend_pid())' : 'rollback')
      } catch {
        // A connection that has been cut off.
      } finally {
        await writer.end({ timeout: 1 })
      }
      ends[how]++
      throw new DatabaseUnavailable(how)
    }
  })

  const people = new People(database)
  for (let i = 0; i < 4; i++) await people.add()
  const look: ReturnType<typeof sqlOn> = async (text, values) => [...await admin.unsafe(text, values as never[])] as never
  const followers = people.present.map((owner) => new Follower(look, owner))
  const commands = fc.sample(command, 600)
  let isWriting = true
  const writers = Promise.all(Array.from({ length: 10 }, async (_, n) => {
    for (let next = commands.pop(); next; next = commands.pop()) {
      // Half of them write to one person.
      const mine = n % 2 ? next : { ...next, who: 0 }
      const how = next.which % 10 === 0 ? undone('rolled back') : next.which % 10 === 1 ? undone('cut off') : undefined
      await people.run(mine, how).then(() => { if (!how) ends.committed++ }, (error: unknown) => {
        if (!(error instanceof DatabaseUnavailable)) throw error
        if (!how) ends.failed++
      })
    }
  })).finally(() => { isWriting = false })

  let looks = 0
  // eslint-disable-next-line no-unmodified-loop-condition -- the writers end it
  for (; isWriting; looks++) {
    const wrong = await admin.unsafe(WRONG)
    if (wrong.length > 0) t.fail('in every moment', { wrong })
    for (const follower of followers) await follower.look()
    // What cuts off the server's own connections, in the middle of whatever they do.
    if (looks % 5 === 0) {
      await admin.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'todo-backend' and datname = current_database() and state = 'active' and random() < 0.3`)
    }
  }
  await writers
  t.strictSame([...await admin.unsafe(WRONG)], [], 'and in the end')
  for (const follower of followers) t.strictSame(await follower.difference(), [], 'who asks again and again misses nothing')
  t.comment(ends, { looks })
  for (const end of ['committed', 'rolled back', 'cut off'] as const) t.ok(ends[end] > 0, end)
})

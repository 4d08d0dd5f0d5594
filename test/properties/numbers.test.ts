import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import postgres from 'postgres'
import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { tasksOf } from '../../src/repositories/owned-tasks.js'
import { usersIn } from '../../src/repositories/users.js'
import { cleanDatabase, connectTo, createDatabase, serverUrl, sqlOn } from '../support/database.js'

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

/** What a client does. The numbers pick a person, and one of the tasks that there are. */
interface Command {
  kind: 'create' | 'once' | 'update' | 'stale' | 'patch' | 'complete' | 'remove' | 'delete the account'
  who: number
  which: number
}

const command = fc.record<Command>({
  kind: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom('create', 'once', 'update', 'stale', 'patch', 'complete', 'complete', 'remove') },
    { weight: 1, arbitrary: fc.constant('delete the account') }
  ),
  who: fc.nat(99),
  which: fc.nat(99)
})

/** Some people, of whom some leave and are replaced. */
class People {
  private readonly ids: string[] = []
  private readonly tasks = new Map<string, string[]>()

  constructor (private readonly database: Database) {}

  async add (): Promise<string> {
    const { id } = (await usersIn(this.database).create({ email: `${randomUUID()}@example.com`, name: 'Ada', hash: 'x' }))!
    this.ids.push(id)
    this.tasks.set(id, [])
    return id
  }

  get present (): readonly string[] {
    return this.ids
  }

  /** @param on where the write is done, if not in the database itself */
  async run ({ kind, who, which }: Command, on = this.database): Promise<void> {
    const id = this.ids[who % this.ids.length]!
    const tasks = tasksOf(on, id)
    const known = this.tasks.get(id)!
    const task = known[which % known.length] ?? randomUUID()
    const title = `Title ${which}`
    if (kind === 'create') known.push((await tasks.create({ title, description: null }))?.task.id ?? task)
    if (kind === 'once') {
      const made = await tasks.createOnce(`key ${which % 9}`, { title: 'Once', description: null })
      known.push((made as { task: { id: string } } | null)?.task.id ?? task)
    }
    if (kind === 'update') await tasks.update(task, { title, description: null })
    if (kind === 'stale') await tasks.update(task, { title, description: null }, [{ revision: which, time: 1 }])
    if (kind === 'patch') await tasks.patch(task, { completed: which % 2 > 0, dueDate: '2026-12-24' })
    if (kind === 'complete') await tasks.complete(task, which % 3 > 0 ? null : true)
    if (kind === 'remove') await tasks.remove(task)
    if (kind === 'delete the account') {
      await sqlOn(on)('delete from todo.users where id = $1', [id])
      this.ids.splice(this.ids.indexOf(id), 1, await this.add())
      this.ids.pop()
    }
  }
}

/** Somebody who asks for what came after the last change that they know, again and again, and keeps what they are told. */
class Follower {
  private last = 0
  private readonly tasks = new Map<string, number>()

  constructor (private readonly sql: ReturnType<typeof sqlOn>, private readonly owner: string) {}

  private turn = Promise.resolve()

  /** One question at a time. */
  async look (): Promise<void> {
    this.turn = this.turn.then(async () => this.ask())
    await this.turn
  }

  private async ask (): Promise<void> {
    const changes = await this.sql<{ revision: number, task_id: string, task_revision: number | null }>(`
      select c.revision, c.task_id, t.revision as task_revision from todo.task_changes c
      left join todo.tasks t on t.owner_id = c.owner_id and t.id = c.task_id
      where c.owner_id = $1 and c.revision > $2 order by c.revision limit 7`, [this.owner, this.last])
    for (const { revision, task_id: id, task_revision: present } of changes) {
      if (Number(revision) !== this.last + 1) throw new Error(`change ${revision} comes after ${this.last}`)
      this.last = Number(revision)
      if (present === null) this.tasks.delete(id)
      else this.tasks.set(id, Number(present))
    }
  }

  /** @returns what the follower has and the tasks have not, or the other way round, when nobody writes any more */
  async difference (): Promise<unknown[]> {
    for (let last = -1; last !== this.last;) {
      last = this.last
      await this.look()
    }
    const rows = await this.sql<{ id: string, revision: number }>('select id, revision from todo.tasks where owner_id = $1', [this.owner])
    const present = new Map(rows.map(({ id, revision }) => [id, Number(revision)]))
    // Of an account that is gone nothing is told, not even that.
    if ((await this.sql('select 1 from todo.task_lists where owner_id = $1', [this.owner])).length === 0) return []
    return [...new Set([...present.keys(), ...this.tasks.keys()])].filter((id) => present.get(id) !== this.tasks.get(id))
  }
}

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

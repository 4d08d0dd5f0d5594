import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type { Database } from '../../src/db/database.js'
import { tasksOf } from '../../src/repositories/owned-tasks.js'
import { usersIn } from '../../src/repositories/users.js'
import { sqlOn } from './database.js'

/** What a client does. The numbers pick a person, and one of the tasks that there are. */
export interface Command {
  kind: 'create' | 'once' | 'update' | 'stale' | 'patch' | 'complete' | 'remove' | 'delete the account'
  who: number
  which: number
}

export const command = fc.record<Command>({
  kind: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom('create', 'once', 'update', 'stale', 'patch', 'complete', 'complete', 'remove') },
    { weight: 1, arbitrary: fc.constant('delete the account') }
  ),
  who: fc.nat(99),
  which: fc.nat(99)
})

/** Some people, of whom some leave and are replaced. */
export class People {
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
export class Follower {
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

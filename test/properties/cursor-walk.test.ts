import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import t from 'tap'
import type { Task } from '../../src/schemas/tasks.js'
import { startApp, type Person } from '../helper.js'
import { MANY, mounts, withQuery } from '../support/tasks.js'

const { signUp, sql } = await startApp(t)

/** What somebody does while a list is read. The number picks a task. */
interface Command { kind: 'create' | 'delete' | 'flip', pick: number, when: 'before the page' | 'with the page' }

const command = fc.record<Command>({
  kind: fc.constantFrom('create', 'delete', 'flip'),
  pick: fc.nat(1000),
  when: fc.constantFrom('before the page', 'with the page')
})

const scenario = fc.record({
  /** The tasks at the beginning: done or not, and in which of a few instants they were created. */
  start: fc.array(fc.record({ done: fc.boolean(), instant: fc.nat(3) }), { maxLength: 14 }),
  limit: fc.integer({ min: 1, max: 6 }),
  filter: fc.constantFrom({}, { is_completed: true }, { is_completed: false }),
  /** What happens at each page; then the list is left alone. */
  commands: fc.array(fc.array(command, { maxLength: 4 }), { maxLength: 8 }),
  mount: fc.constantFrom(...mounts)
})

/** The tasks of a walk in progress. */
class Desk {
  readonly tasks = new Map<string, Task>()
  /** Those that were there from the beginning, and have not been touched since. */
  readonly untouched = new Map<string, Task>()

  constructor (private readonly person: Person) {}

  async begin (start: Array<{ done: boolean, instant: number }>): Promise<void> {
    for (const { done, instant } of start) {
      const { id } = await this.person.add('From the beginning')
      if (done) await this.person.call('PATCH', `/api/tasks/${id}/complete`)
      // No request sets a time. Times that are equal are what a cursor could stumble over.
      await sql('update todo.tasks set created_at = $2 where id = $1', [id, `2026-01-06T10:30:00.00${instant}Z`])
      const { body: task } = await this.person.call('GET', `/api/tasks/${id}`)
      this.tasks.set(id, task)
      this.untouched.set(id, task)
    }
  }

  async run ({ kind, pick }: Command): Promise<void> {
    if (kind === 'create') {
      const task = await this.person.add('Meanwhile')
      this.tasks.set(task.id, task)
      return
    }
    const ids = [...this.tasks.keys()]
    const id = ids[pick % ids.length]
    if (id === undefined) return
    this.untouched.delete(id)
    if (kind === 'delete') this.tasks.delete(id)
    const { status } = await (kind === 'delete'
      ? this.person.call('DELETE', `/api/tasks/${id}`)
      : this.person.call('PATCH', `/api/tasks/${id}/complete`))
    // A task that was picked twice at once may be gone for the second.
    assert.ok([200, 204, 404].includes(status))
  }
}

t.test('a walk by cursor returns each task that is there throughout exactly once, whatever else comes and goes', async (t) => {
  await fc.assert(fc.asyncProperty(scenario, async ({ start, limit, filter, commands, mount }) => {
    const person = await signUp()
    const desk = new Desk(person)
    await desk.begin(start)
    const seen: Task[] = []
    let cursor: object = {}
    for (let page = 0; ; page++) {
      assert.ok(page < MANY, 'the walk ends')
      const now = commands[page] ?? []
      for (const command of now) if (command.when === 'before the page') await desk.run(command)
      const url = withQuery(mount.of(person), { ...filter, limit, ...cursor })
      const [{ status, body }] = await Promise.all([
        person.call('GET', url),
        ...now.filter(({ when }) => when === 'with the page').map(async (command) => desk.run(command))
      ])
      assert.equal(status, 200)
      assert.ok(body.tasks.length <= limit)
      seen.push(...body.tasks)
      if (body.next_cursor === null) break
      cursor = { cursor: body.next_cursor }
    }
    const ids = seen.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length, 'nothing comes twice, old or new')
    const throughout = [...desk.untouched.values()].filter((task) => !('is_completed' in filter) || task.is_completed === filter.is_completed)
    const expected = throughout.map(({ id }) => id).sort()
    assert.deepEqual(ids.filter((id) => desk.untouched.has(id)).sort(), expected, 'and what is there throughout comes')
    assert.deepEqual(seen, [...seen].sort((a, b) => a.created_at + a.id < b.created_at + b.id ? 1 : -1), 'newest first')
  }), { numRuns: 50 })
  t.pass('in every order of events')
})

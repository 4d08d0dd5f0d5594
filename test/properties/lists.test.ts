import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import t from 'tap'
import type { Task } from '../../src/schemas/tasks.js'
import { startApp, type Person } from '../helper.js'
import { MANY, mounts, tasksIn, walk, withQuery } from '../support/tasks.js'

const { signUp, sql } = await startApp(t)

/** Words that tasks have, and some that are looked for in another form. */
const words = ['milk', 'MILK', 'Straße', '東京', '100%', 'ﬁnd', '🦉']
const days = ['0001-01-01', '2024-02-29', '2026-12-24', '9999-12-31']

const content = fc.record({
  title: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 2 }),
  description: fc.option(fc.array(fc.constantFrom(...words), { maxLength: 2 })),
  due: fc.option(fc.constantFrom(...days)),
  done: fc.boolean(),
  /** Times that are equal are what an order could stumble over. */
  instant: fc.nat(3)
})

type Query = Record<string, string>

const none: Query = {}
const sorts: Query[] = [none, { sort: '-created_at' }, { sort: 'created_at' }, { sort: 'due_date' }]
const filters: Query[] = [none, { is_completed: 'true' }, { is_completed: 'false' }]
const ranges: Query[] = [none, { due_after: '2024-02-29' }, { due_before: '2026-12-24' }, { due_after: '2024-03-01', due_before: '2026-12-24' }]
const searches: Query[] = [none, { q: 'ilk' }, { q: 'FIND straße' }, { q: '%' }]
const combinations = sorts.flatMap((sort) => filters.flatMap((filter) => ranges.flatMap((range) =>
  searches.map((search): Query => ({ ...sort, ...filter, ...range, ...search })))))

const searchable = (text: string) => text.normalize('NFKC').toLowerCase()

/** What a list is, said without a database. */
function expected (tasks: Task[], query: Query): Task[] {
  const { sort = '-created_at', is_completed: done, due_after: after, due_before: before, q = '' } = query
  const key = ({ created_at: at, due_date: due, id }: Task) => (sort === 'due_date' ? due ?? 'none' : at) + id
  const found = tasks.filter((task) => {
    const { due_date: due } = task
    const text = searchable(`${task.title} ${task.description ?? ''}`)
    const isDue = due === null ? !after && !before : due >= (after ?? '') && due <= (before ?? '9999-12-31')
    return isDue && (done === undefined || String(task.is_completed) === done) &&
      searchable(q).split(' ').every((word) => text.includes(word))
  }).sort((a, b) => key(a) < key(b) ? -1 : 1)
  return sort === '-created_at' ? found.reverse() : found
}

/** All pages by offset. @returns their tasks, and the totals that they told */
async function byOffset (person: Person, path: string, query: Query, limit: number) {
  const seen: Task[] = []
  const totals = new Set<number>()
  for (let offset = 0; offset < MANY; offset += limit) {
    const { body } = await person.call('GET', withQuery(path, { ...query, limit, offset }))
    seen.push(...body.tasks)
    totals.add(body.total)
    if (body.next_cursor === null) break
  }
  return { seen, totals: [...totals] }
}

const scenario = fc.record({
  made: fc.array(content, { maxLength: 12 }),
  limit: fc.integer({ min: 1, max: 5 }),
  mount: fc.constantFrom(...mounts)
})

t.test('each order, filter, range and search gives what it says, once and in order, by offset as by cursor', async (t) => {
  let found = 0
  await fc.assert(fc.asyncProperty(scenario, async ({ made, limit, mount }) => {
    const person = await signUp()
    const tasks: Task[] = []
    for (const { title, description, due, done, instant } of made) {
      const { body: { id } } = await person.call('POST', '/api/tasks', {
        body: { title: title.join(' '), description: description && description.join(' '), due_date: due }
      })
      if (done) await person.call('PATCH', `/api/tasks/${id}/complete`)
      // No request sets a time.
      await sql('update todo.tasks set created_at = $2 where id = $1', [id, `2026-01-06T10:30:00.00${instant}Z`])
      tasks.push((await person.call('GET', `/api/tasks/${id}`)).body)
    }
    for (const query of combinations) {
      const list = expected(tasks, query)
      found += list.length
      const name = JSON.stringify(query)
      assert.deepEqual(await byOffset(person, mount.of(person), query, limit), { seen: list, totals: [list.length] }, name)
      assert.deepEqual(tasksIn(await walk(person, mount.of(person), { ...query, limit })), list, name)
    }
  }), { numRuns: 4 })
  t.ok(found > 0, `${found} tasks in ${combinations.length} kinds of list`)
})

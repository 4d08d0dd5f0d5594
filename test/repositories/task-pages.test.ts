import { randomUUID } from 'node:crypto'
import t from 'tap'
import { tasksOf, type OwnedTasks } from '../../src/repositories/owned-tasks.js'
import type { ListQuery, Sort } from '../../src/repositories/task-pages.js'
import { usersIn } from '../../src/repositories/users.js'
import { cleanDatabase, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})

const sql = sqlOn(database)

const signUp = async () => (await usersIn(database).create({ email: `${randomUUID()}@example.com`, name: 'Ada', hash: 'x' }))!.id
const person = async (): Promise<OwnedTasks> => tasksOf(database, await signUp())

t.test('each order is total, by offset as by cursor, of all and of a filter', async (t) => {
  const tasks = await person()
  const days = [null, '2026-01-02', '2026-01-01', '9999-12-31', null, '0001-01-01', '2026-01-02']
  for (const [n, dueDate] of days.entries()) {
    const { task: { id } } = (await tasks.create({ title: `Task ${n}`, description: null, dueDate }))!
    if (n % 2) await tasks.complete(id, true)
  }
  await sql("update todo.tasks set created_at = date_trunc('second', created_at) where owner_id = $1", [(await tasks.list(1, 0))!.tasks[0]!.user_id])
  const all = (await tasks.list(100, 0))!.tasks
  const text = (n: number) => String(n).padStart(3, '0')
  const keys: Record<Sort, (task: typeof all[number]) => string> = {
    '-created_at': (task) => text(999 - all.indexOf(task)),
    created_at: ({ created_at: at, id }) => at + id,
    due_date: ({ due_date: due, id }) => (due ?? '99999') + id
  }
  for (const sort of ['-created_at', 'created_at', 'due_date'] as const) {
    for (const filter of [{}, { completed: true }, { completed: false }, { dueAfter: '2026-01-01', dueBefore: '2026-01-02' }, { q: 'task' }] satisfies ListQuery[]) {
      const query = { sort, ...filter }
      const whole = (await tasks.list(100, 0, query))!
      const name = JSON.stringify(query)
      const wanted = all.filter((task) => (!('completed' in filter) || task.is_completed === filter.completed) &&
        (!('dueAfter' in filter) || ['2026-01-01', '2026-01-02'].includes(task.due_date ?? '')))
      const sorted = [...wanted].sort((a, b) => keys[sort](a) < keys[sort](b) ? -1 : 1)
      const order = sort === '-created_at' ? sorted.reverse() : sorted
      t.strictSame(whole.tasks, order, name)
      t.equal(whole.total, order.length, `total of ${name}`)
      t.strictSame((await tasks.list(2, 1, query))!.tasks, order.slice(1, 3), `by offset, ${name}`)
      const walked = []
      for (let page = order.slice(0, 2); page.length > 0;) {
        walked.push(...page)
        const { id, due_date: due, created_at: at } = page.at(-1)!
        page = (await tasks.listAfter(2, { key: sort === 'due_date' ? due : at, id }, query))!.tasks
      }
      t.strictSame(walked, order, `by cursor, ${name}`)
    }
  }
  t.strictSame((await tasks.list(9, 0, { dueAfter: '2026-01-03', dueBefore: '2026-01-01' }))!.tasks, [], 'crossed bounds are an empty page')
  t.equal((await tasks.list(9, 0, { dueAfter: '0001-01-01' }))!.total, 5, 'what is not due is left out')
  t.equal((await tasks.list(9, 0, { dueBefore: '9999-12-31' }))!.total, 5)
  t.equal((await tasks.list(9, 9))!.total, 7, 'the total is there on a page without tasks')
})

t.test('a search finds every word, in any script and case, and takes no character for a wildcard', async (t) => {
  const tasks = await person()
  const texts: Array<[title: string, description: string | null]> = [
    ['Milch kaufen', 'zwei Liter, GRÖSSE egal'], ['100% done_now \\o/', null], ['ΟΔΟΣ Οδυσσέας', null], ['東京で寿司を食べる', null],
    ['İstanbul', 'ısı'], ['STRASSE und Straße', 'ẞ'], ['ﬁnd ①', null], ['cafe\u0301', null], ['👩‍👩‍👧 🦉', null], ['мир Мир', 'שלום مرحبا'], ['nothing', null]
  ]
  for (const [title, description] of texts) await tasks.create({ title, description })
  const cases: Array<[q: string, ...found: number[]]> = [
    ['milch', 0], ['MILCH liter', 0], ['liter milch', 0], ['milch  \t\u3000 kaufen ', 0], ['größe'], ['grösse', 0], ['milch ΟΔΟΣ'], ['ilc', 0],
    ['%', 1], ['_', 1], ['\\', 1], ['%done'], ['0% DONE_', 1], ['\\o', 1], ['o_o'],
    ['οδοσ', 2], ['ΟΔΟς', 2], ['οδυσσέασ', 2], ['東京', 3], ['寿司 東京', 3], ['京都'],
    ['i̇stanbul', 4], ['İSTANBUL', 4], ['ISI'], ['ısı', 4], ['straße', 5], ['STRASSE', 5], ['ß', 5], ['ẞ', 5],
    ['find 1', 6], ['ﬁ', 6], ['①', 1, 6], ['café', 7], ['CAFE\u0301', 7], ['👩‍👩‍👧', 8], ['🦉', 8], ['👧', 8], ['МИР', 9], ['שלום', 9], ['مرحبا', 9], ["'", ...[]], ['no thing', 10]
  ]
  for (const [q, ...found] of cases) {
    const page = (await tasks.list(100, 0, { q, sort: 'created_at' }))!
    t.strictSame(page.tasks.map(({ title }) => title), found.map((n) => texts[n]![0]), JSON.stringify(q))
    t.equal(page.total, found.length)
  }
  t.equal((await (await person()).list(1, 0, { q: 'milch' }))!.total, 0, 'nobody finds the tasks of others')
})

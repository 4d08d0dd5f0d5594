import t from 'tap'
import type { Task, TaskPage } from '../../../src/schemas/tasks.js'
import { startApp, type Person } from '../../helper.js'
import { issues, mounts, newestFirst, tasksIn, walk, withQuery } from '../../support/tasks.js'

const { signUp, sql } = await startApp(t)
const ada = await signUp()

const days = [null, '2026-12-24', '2026-12-01', '9999-12-31', null, '0001-01-01', '2026-12-24', '2026-02-28', '2024-02-29']
const tasks: Task[] = []
for (const [n, due] of days.entries()) {
  const { body } = await ada.call('POST', '/api/tasks', { body: { title: `Task ${n}`, due_date: due } })
  tasks.push(n % 3 ? body : (await ada.call('PATCH', `/api/tasks/${body.id}/complete`)).body)
}
// Three of one instant, against the order in which they were made.
for (const task of tasks.slice(2, 5)) {
  task.created_at = '2026-01-06T10:30:00.000Z'
  await sql('update todo.tasks set created_at = $2 where id = $1', [task.id, task.created_at])
}

const byKey = (key: (task: Task) => string) => [...tasks].sort((a, b) => key(a) < key(b) ? -1 : 1)

/** Each order as it is promised. */
const orders: Array<[query: Record<string, string>, order: Task[]]> = [
  [{}, newestFirst(tasks)],
  [{ sort: '-created_at' }, newestFirst(tasks)],
  [{ sort: 'created_at' }, newestFirst(tasks).reverse()],
  [{ sort: 'due_date' }, byKey(({ due_date: due, id }) => (due ?? 'none') + id)]
]

const isDue = (from: string, to: string) => ({ due_date: due }: Task) => due !== null && due >= from && due <= to

/** Each filter, and what it lets through. */
const filters: Array<[query: Record<string, string>, lets: (task: Task) => boolean]> = [
  [{}, () => true],
  [{ is_completed: 'true' }, (task) => task.is_completed],
  [{ is_completed: 'false' }, (task) => !task.is_completed],
  [{ due_after: '2026-12-01' }, isDue('2026-12-01', '9999-12-31')],
  [{ due_before: '2026-12-01' }, isDue('0001-01-01', '2026-12-01')],
  [{ due_after: '0001-01-01' }, isDue('0001-01-01', '9999-12-31')],
  [{ due_before: '9999-12-31' }, isDue('0001-01-01', '9999-12-31')],
  [{ due_after: '2026-12-24', due_before: '2026-12-24' }, isDue('2026-12-24', '2026-12-24')],
  [{ due_after: '2024-02-29', due_before: '2026-12-01', is_completed: 'false', q: 'task' }, (task) =>
    !task.is_completed && isDue('2024-02-29', '2026-12-01')(task)],
  [{ due_after: '2026-12-25', due_before: '2026-12-01' }, () => false],
  [{ q: ' 8  TASK ' }, ({ title }) => title === 'Task 8']
]

/** Follows the Link headers. @returns all tasks of the pages, and the queries of the links */
async function follow (person: Person, start: string) {
  const seen: Task[] = []
  const links: URLSearchParams[] = []
  for (let url: string | undefined = start; url !== undefined && links.length < 99;) {
    const { status, headers, body } = await person.call('GET', url)
    t.equal(status, 200, url)
    seen.push(...body.tasks)
    url = /^<([^<>]+)>; rel="next"$/.exec(String(headers.link))?.[1]
    if (url) links.push(new URL(url, 'http://here').searchParams)
  }
  return { seen, links }
}

for (const [sort, order] of orders) {
  t.test(`${JSON.stringify(sort)}: every filter by offset, by cursor and by links, in one order`, async (t) => {
    for (const [filter, lets] of filters) {
      const query = { ...filter, ...sort }
      const expected = order.filter(lets)
      for (const { mount, of } of mounts) {
        const name = `${mount} ${JSON.stringify(query)}`
        const { body } = await ada.call('GET', withQuery(of(ada), { ...query, limit: 4, offset: 1 }))
        t.strictSame(body.tasks, expected.slice(1, 5), name)
        t.equal(body.total, expected.length, `${name}: the total`)
        const pages = await walk(ada, of(ada), { ...query, limit: 2 })
        t.strictSame(tasksIn(pages), expected, `${name}: by cursor`)
        t.equal(pages.length, Math.max(1, Math.ceil(expected.length / 2)), `${name}: no page too many`)
        for (const start of [{}, { cursor: pages[0]!.body.next_cursor as string | null }]) {
          if ('cursor' in start && start.cursor === null) continue
          const { seen, links } = await follow(ada, withQuery(of(ada), { ...query, limit: 2, ...start }))
          t.strictSame(seen, expected.slice('cursor' in start ? 2 : 0), `${name}: by links`)
          for (const link of links) {
            const kept = Object.fromEntries([...link].filter(([key]) => !['limit', 'offset', 'cursor'].includes(key)))
            t.strictSame(kept, query, `${name}: a link keeps everything`)
          }
        }
      }
    }
  })
}

t.test('a cursor is for the order, the filter, the dates and the words that it was made with', async (t) => {
  const lists = [
    {}, { is_completed: 'false' }, { sort: 'created_at' }, { sort: 'due_date' }, { sort: 'due_date', is_completed: 'false' },
    { due_after: '0001-01-01' }, { due_before: '9999-12-31' }, { due_after: '0001-01-01', due_before: '9999-12-31' }, { due_after: '0001-01-02' },
    { q: 'task' }, { q: 'Task' }, { q: 'task', sort: 'due_date' }, { q: 'task', due_after: '0001-01-01' }, { q: '0001-01-01' }
  ]
  for (const made of lists) {
    const { body } = await ada.call('GET', withQuery('/api/tasks', { ...made, limit: 1 }))
    const { next_cursor: cursor } = body as TaskPage
    if (cursor === null) {
      t.strictSame(made, { q: '0001-01-01' })
      continue
    }
    for (const used of lists) {
      const answer = await ada.call('GET', withQuery('/api/tasks', { ...used, cursor }))
      const name = `made with ${JSON.stringify(made)}, used with ${JSON.stringify(used)}`
      t.equal(answer.status, made === used ? 200 : 422, name)
      if (made !== used) t.strictSame(issues(answer), [{ loc: ['query', 'cursor'], type: 'value_error.cursor' }], name)
    }
  }
})

t.test('a cursor of version 1.0 is still one, also where its order is said', async (t) => {
  const [first, second] = newestFirst(tasks) as [Task, Task]
  const cursor = Buffer.from(`a.${Date.parse(first.created_at).toString(36)}.${first.id}`).toString('base64url')
  for (const query of [{ cursor }, { cursor, sort: '-created_at' }]) {
    t.equal((await ada.call('GET', withQuery('/api/tasks', query))).body.tasks[0].id, second.id)
  }
})

t.test('text that is not a cursor of this order is 422, never an error of the database', async (t) => {
  const { id } = tasks[0]!
  const places = [
    '2026-02-30', '2027-02-29', '0000-01-01', '2026-1-1', '10000-01-01', '-00001-01', '-1', 'infinity', 'null', '20260101', '2026-13-01', '2026-01-01x', 'kfb2k0a1'
  ]
  const texts = [
    ...places.map((place) => ['due_date', `ad.${place}.${id}`]), ['due_date', `d.2026-01-01.${id}`], ['created_at', `ac.2026-01-01.${id}`],
    ['created_at', `ac..${id}`], ['-created_at', `a..${id}`], ['-created_at', `a.1-1.${id}`], ['created_at', `a.kfb2k0a1.${id}`]
  ] as Array<[sort: string, text: string]>
  for (const [sort, text] of texts) {
    const answer = await ada.call('GET', withQuery('/api/tasks', { sort, cursor: Buffer.from(text).toString('base64url') }))
    t.equal(answer.status, 422, `${sort} ${text}`)
    t.strictSame(issues(answer), [{ loc: ['query', 'cursor'], type: 'value_error.cursor' }])
  }
  const own = Buffer.from(`ad.2026-12-24.${id}`).toString('base64url')
  t.equal((await ada.call('GET', withQuery('/api/tasks', { sort: 'due_date', cursor: own }))).status, 200)
})

t.test('a value that breaks a rule is 422 and says where', async (t) => {
  const date = 'value_error.date'
  const wrongDays = [
    '2027-02-29', '2026-02-30', '2026-04-31', '0000-01-01', '10000-01-01', '2026-1-1', '26-01-01', '2026-13-01', '2026-00-01', '2026-01-00', '2026-01-32',
    '2026-01-01T00:00:00Z', '', ' ', '2026-01-01 ', 'today', 'infinity', '-infinity', '2026-01-01 BC', '20260101', '٢٠٢٦-٠١-٠١', 'null', '+002026-01-01'
  ]
  const cases: Array<[name: string, value: string, type: string]> = [
    ...['due_after', 'due_before'].flatMap((name) => wrongDays.map((day): [string, string, string] => [name, day, date])),
    ...['', 'title', 'CREATED_AT', '-due_date', '+created_at', ' created_at', 'created_at,due_date', 'constructor', '__proto__', 'updated_at'].map(
      (sort): [string, string, string] => ['sort', sort, 'value_error.enum']),
    ...[' ', '\t\u3000', '\u00a0\u2003'].map((q): [string, string, string] => ['q', q, 'value_error.str.pattern']),
    ['q', 'a\0b', 'value_error.str.pattern'],
    ['q', 'x'.repeat(101), 'value_error.str.max_length']
  ]
  for (const [name, value, type] of cases) {
    const answer = await ada.call('GET', withQuery('/api/tasks', { [name]: value }))
    t.equal(answer.status, 422, `${name}=${value}`)
    t.strictSame(issues(answer), [{ loc: ['query', name], type }], `${name}=${value}`)
  }
  t.strictSame(issues(await ada.call('GET', '/api/tasks?q=')).map(({ type }) => type), ['value_error.str.min_length', 'value_error.str.pattern'])
  for (const name of ['sort', 'due_after', 'due_before', 'q']) {
    t.strictSame(issues(await ada.call('GET', `/api/tasks?${name}=a&${name}=a`))[0], { loc: ['query', name], type: 'type_error.string' }, `two of ${name}`)
  }
  for (const day of ['2024-02-29', '2000-02-29', '0001-01-01', '9999-12-31']) {
    t.equal((await ada.call('GET', `/api/tasks?due_after=${day}&due_before=${day}`)).status, 200, day)
  }
  t.match((await ada.call('GET', '/api/tasks?sort=title')).body.detail, [{ msg: 'must be one of -created_at, created_at, due_date' }])
})

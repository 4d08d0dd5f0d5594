import t from 'tap'
import type { Database } from '../../../src/db/database.js'
import type { Task } from '../../../src/schemas/tasks.js'
import { startApp } from '../../helper.js'
import { cursorIn, filtersOf, firstPage as pageOf, withTasks } from '../../support/lists.js'
import { MANY, issues, mounts, newestFirst, tasksIn, walk, withQuery } from '../../support/tasks.js'

const { db, signUp, sql } = await startApp(t)

const { person: ada, tasks } = await withTasks(signUp, 'Ada', 21)
const { person: newcomer } = await withTasks(signUp, 'Newcomer', 0)

const filters = filtersOf(tasks)
const firstPage = async (query: object, person = ada) => pageOf(person, query)
const cursorOf = async (query: object = {}, person = ada) => cursorIn(person, query)

t.test('a list is newest first, and by id, downwards, within one instant', async (t) => {
  const { person, tasks } = await withTasks(signUp, 'Ties', 12)
  // Three instants, against the order of creation, with four tasks in each.
  for (const [i, task] of tasks.entries()) {
    task.created_at = `2026-01-06T10:30:00.00${i % 3}Z`
    await sql('update todo.tasks set created_at = $2 where id = $1', [task.id, task.created_at])
  }
  t.notSame(newestFirst(tasks), tasks)
  for (const { mount, of } of mounts) {
    t.strictSame((await person.call('GET', of(person))).body.tasks, newestFirst(tasks), mount)
    for (const limit of [1, 3, 4, 5]) {
      t.strictSame(tasksIn(await walk(person, of(person), { limit })), newestFirst(tasks), `${mount}, ${limit} a page`)
      const pages = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].filter((n) => n % limit === 0).map(async (offset) =>
        person.call('GET', withQuery(of(person), { limit, offset }))))
      t.strictSame(tasksIn(pages), newestFirst(tasks), `${mount}, by offset, ${limit} a page`)
    }
  }
})

t.test('a page has 50 tasks where nothing is said, and 1 to 100 where something is', async (t) => {
  const { person, tasks } = await withTasks(signUp, 'Many', 101)
  for (const [query, count] of [[{}, 50], [{ limit: 1 }, 1], [{ limit: 50 }, 50], [{ limit: 100 }, 100]] as const) {
    const page = await firstPage(query, person)
    t.strictSame(page, { tasks: tasks.slice(0, count), total: 101, limit: count, offset: 0, next_cursor: page.next_cursor })
    const next = await firstPage({ ...query, cursor: page.next_cursor }, person)
    t.strictSame(next, { tasks: tasks.slice(count, 2 * count), limit: count, next_cursor: next.next_cursor }, 'and so has the page after it')
  }
})

t.test('a page by offset skips as many as it is told, and knows the total of its filter', async (t) => {
  for (const [query, expected] of filters) {
    for (const offset of [0, 1, expected.length - 1, expected.length, expected.length + 1, 1000, Number.MAX_SAFE_INTEGER]) {
      const { status, body } = await ada.call('GET', withQuery('/api/tasks', { ...query, limit: 3, offset }))
      t.equal(status, 200)
      t.strictSame(body, {
        tasks: expected.slice(offset, offset + 3), total: expected.length, limit: 3, offset, next_cursor: body.next_cursor
      }, `${JSON.stringify(query)} from ${offset}`)
      t.equal(body.next_cursor !== null, offset + 3 < expected.length, 'a cursor where there is more')
    }
  }
})

t.test('who has no tasks gets an empty list', async (t) => {
  for (const { of } of mounts) {
    for (const query of [{}, { is_completed: true }, { is_completed: false }]) {
      const { status, body, headers } = await newcomer.call('GET', withQuery(of(newcomer), query))
      t.equal(status, 200)
      t.strictSame(body, { tasks: [], total: 0, limit: 50, offset: 0, next_cursor: null })
      t.equal(headers.link, undefined)
    }
  }
})

t.test('a walk by cursor returns each task once, and ends on the last page', async (t) => {
  for (const { mount, of } of mounts) {
    for (const [query, expected] of filters) {
      // 21, 7 and 14 tasks: several of these limits divide them, and then no empty page may follow.
      for (const limit of [1, 2, 3, 7, 14, 21, 100]) {
        const pages = await walk(ada, of(ada), { ...query, limit })
        const name = `${mount} ${JSON.stringify(query)}, ${limit} a page`
        t.strictSame(tasksIn(pages), expected, name)
        t.equal(pages.length, Math.ceil(expected.length / limit), `${name}: no page too many`)
        for (const { body } of pages.slice(1)) t.strictSame(Object.keys(body).sort(), ['limit', 'next_cursor', 'tasks'], name)
        for (const { body } of pages) t.equal(body.limit, limit, name)
      }
    }
  }
})

t.test('the Link header leads through all pages, on the same mount, with the same limit and filter', async (t) => {
  for (const { mount, of } of mounts) {
    for (const [query, expected] of filters) {
      for (const limit of [2, 7]) {
        const cursor = await cursorOf(query)
        for (const start of [{}, { offset: 2 }, { cursor }]) {
          const seen: Task[] = []
          let url: string | undefined = withQuery(of(ada), { ...query, limit, ...start })
          for (let pages = 0; url !== undefined && pages < MANY; pages++) {
            const { status, headers, body } = await ada.call('GET', url)
            t.equal(status, 200, url)
            t.equal(body.limit, limit, url)
            t.equal('total' in body, !('cursor' in start), 'pages stay of one kind')
            t.equal(headers.link !== undefined, body.next_cursor !== null, 'a link where there is more')
            seen.push(...body.tasks)
            url = /^<([^<>]+)>; rel="next"$/.exec(String(headers.link))?.[1]
            if (url) t.ok(url.startsWith(`${of(ada)}?`), `${url} is on ${mount}`)
          }
          t.strictSame(seen, expected.slice('cursor' in start || 'offset' in start ? 2 : 0), `${mount} ${JSON.stringify({ ...query, limit })}`)
        }
      }
    }
  }
})

const { not_ge: below, not_le: above } = { not_ge: 'value_error.number.not_ge', not_le: 'value_error.number.not_le' }
const integer = 'type_error.integer'
const notNumbers = ['abc', '1.5', '1e1', '0x10', '+5', '%2B5', '', '%205', '5%20', '1,2', 'NaN', 'Infinity', 'null', '٣', '%zz', '%00', '5%00', '%ff']

t.test('a query that breaks a rule is 422 and says where, and nothing is clamped', async (t) => {
  const cases: Array<[string, string, string]> = [
    ...['0', '-1', '-100', '-0'].map((n): [string, string, string] => [`limit=${n}`, 'limit', below]),
    ...['101', '1000', '9007199254740993'].map((n): [string, string, string] => [`limit=${n}`, 'limit', above]),
    ...['-1', '-9007199254740992'].map((n): [string, string, string] => [`offset=${n}`, 'offset', below]),
    ...['9007199254740992', '9007199254740993', '9223372036854775808', '1'.repeat(40)].map((n): [string, string, string] =>
      [`offset=${n}`, 'offset', above]),
    ...['limit', 'offset'].flatMap((name) => notNumbers.map((text): [string, string, string] => [`${name}=${text}`, name, integer])),
    ...['limit', 'offset'].flatMap((name) => [`${name}=1&${name}=2`, `${name}=1&${name}=1`, `${name}=1&${name}=`].map(
      (text): [string, string, string] => [text, name, integer])),
    [`offset=${'9'.repeat(400)}`, 'offset', integer],
    ...['TRUE', 'True', '1', '0', '', 'yes', 'null', 'true%20', '%ff', '%zz', 'true&is_completed=true', 'true&is_completed=false'].map(
      (text): [string, string, string] => [`is_completed=${text}`, 'is_completed', 'type_error.bool']),
    ['cursor=a&cursor=b', 'cursor', 'type_error.string'],
    ...['colour', 'Limit', 'limit[]', '__proto__', 'constructor', 'toString', 'page', ''].map((name): [string, string, string] =>
      [`${name}=1`, name, 'value_error.extra']),
    ['%zz=1', '%zz', 'value_error.extra'],
    ['%00=1', '\0', 'value_error.extra']
  ]
  for (const { mount, of } of mounts) {
    for (const [query, name, type] of cases) {
      const answer = await ada.call('GET', `${of(ada)}?${query}`)
      t.equal(answer.status, 422, `${mount}?${query.slice(0, 60)}`)
      t.strictSame(issues(answer), [{ loc: ['query', name], type }], `${mount}?${query.slice(0, 60)}`)
    }
    const several = await ada.call('GET', `${of(ada)}?limit=0&offset=-1&is_completed=maybe&colour=red`)
    t.strictSame(issues(several).map(({ loc }) => loc[1]).sort(), ['colour', 'is_completed', 'limit', 'offset'], 'all broken rules are named')
  }
})

t.test('a page and its total are of one moment, also when a task comes or goes while they are read', async (t) => {
  let meanwhile = async () => {}
  // After each statement something happens, as it may on a server with other users.
  const database: Database = {
    ...db,
    async run (statement, values) {
      const rows = await db.run(statement, values)
      if (statement.name.startsWith('tasks.')) await meanwhile()
      return rows
    }
  }
  const { call } = await startApp(t, { database })
  const person = await signUp('Busy')
  const empty = async () => {
    await sql('delete from todo.tasks where owner_id = $1', [person.id])
    await sql('update todo.task_lists set open = 0 where owner_id = $1', [person.id])
  }
  const toggle = async () => {
    await empty()
    await sql('insert into todo.tasks (id, owner_id, title) values (gen_random_uuid(), $1, $2)', [person.id, 'New'])
    await sql('update todo.task_lists set open = 1 where owner_id = $1', [person.id])
  }
  for (const query of ['', '?is_completed=false', '?is_completed=true', '?offset=1', '?offset=1&is_completed=false']) {
    await empty()
    meanwhile = toggle
    const { status, body: { tasks, total, offset } } = await call('GET', `/api/tasks${query}`, { token: person.token })
    meanwhile = async () => {}
    t.equal(status, 200)
    t.equal(tasks.length, Math.max(0, total - offset), `${query}: ${tasks.length} tasks of ${total} after ${offset}`)
  }
})

import t from 'tap'
import type { Database } from '../../../src/db/database.js'
import { startApp, type Person } from '../../helper.js'
import { mounts, withQuery } from '../../support/tasks.js'

const { db, signUp, sql } = await startApp(t)

/** Every statement about tasks, and what happens after one. */
const statements: string[] = []
let meanwhile = async () => {}
const database: Database = {
  ...db,
  async run (statement, values) {
    const rows = await db.run(statement, values)
    if (statement.name.startsWith('tasks.')) {
      statements.push(statement.text)
      await meanwhile()
    }
    return rows
  }
}
const { call } = await startApp(t, { database })

const get = async ({ token }: Person, path: string, known?: string, method = 'GET') =>
  call(method, path, { token, headers: known === undefined ? {} : { 'if-none-match': known } })

const tagOf = async (person: Person, path = '/api/tasks') => String((await get(person, path)).headers.etag)

const queries = [
  {}, { limit: 1 }, { limit: 1, offset: 1 }, { is_completed: true }, { sort: 'due_date' }, { q: 'task' }, { due_after: '2026-01-01', due_before: '2025-01-01' },
  { offset: 99 }
]

/** Each change to a task, and the changes that are none of this owner's. */
async function changesOf (person: Person): Promise<Array<() => Promise<unknown>>> {
  const { id } = await person.add('Task')
  const path = `/api/tasks/${id}`
  return [
    async () => person.call('POST', '/api/tasks', { body: { title: 'New' } }),
    async () => person.call('POST', `/api/${person.id}/tasks`, { body: { title: 'New' }, headers: { 'idempotency-key': 'one' } }),
    async () => person.call('PUT', path, { body: { title: 'Task' } }),
    async () => person.call('PATCH', path, { body: {} }),
    async () => person.call('PATCH', path, { body: { due_date: '2026-01-01' } }),
    async () => person.call('PATCH', `${path}/complete`),
    async () => person.call('PATCH', `${path}/complete`, { body: { is_completed: true } }),
    async () => person.call('DELETE', path)
  ]
}

t.test('the tag of a page changes with any change of the owner, and with nothing else', async (t) => {
  const ada = await signUp()
  const eve = await signUp('Eve')
  const seen = new Set([await tagOf(ada)])
  for (const change of await changesOf(ada)) {
    for (const query of queries) seen.add(await tagOf(ada, withQuery('/api/tasks', query)))
    const before = await tagOf(ada)
    await change()
    t.not(await tagOf(ada), before, String(change))
  }
  seen.add(await tagOf(ada))
  t.equal(seen.size, 10, 'a state, a tag: nine changes and the beginning')

  const before = await tagOf(ada)
  t.match(before, /^"[!\x23-\x7e]+"$/, 'strong (RFC 9110 §8.8.3)')
  for (const change of await changesOf(eve)) await change()
  for (const ending of [['GET', '/nope', 404], ['PUT', '/nope', 422], ['DELETE', `/${eve.id}`, 404]] as const) {
    await ada.call(ending[0], `/api/tasks${ending[1]}`, { body: {} })
  }
  await ada.call('POST', '/api/tasks', { body: { title: 'New' }, headers: { 'idempotency-key': 'one' } })
  t.equal(await tagOf(ada), before, 'not with what others write, with refusals, or with a repeat')
})

t.test('no two owners share a tag, also in the same state at the same time', async (t) => {
  const people = await Promise.all(['Ada', 'Eve', 'Joan'].map(async (name) => signUp(name)))
  await sql("update todo.task_lists set revision = 7, changed_at = '2026-01-06T10:30:00Z'")
  const tags = await Promise.all(people.map(async (person) => tagOf(person)))
  t.equal(new Set(tags).size, 3)
  for (const [n, person] of people.entries()) {
    t.equal((await get(person, '/api/tasks', tags[(n + 1) % 3])).status, 200, 'nor does it get 304 for that of another')
  }
})

t.test('a state that a restored backup has undone has another tag than the one that gets its number later', async (t) => {
  const ada = await signUp()
  await ada.add('Lost')
  const lost = await tagOf(ada)
  await sql('delete from todo.tasks where owner_id = $1', [ada.id])
  await sql("update todo.task_lists set revision = 0, open = 0, changed_at = '2026-01-01Z' where owner_id = $1", [ada.id])
  await sql('delete from todo.task_changes where owner_id = $1 and revision > 0', [ada.id])
  await new Promise((resolve) => { setTimeout(resolve, 2) })
  await ada.add('Instead')
  t.not(await tagOf(ada), lost)
})

t.test('whoever has a page is told so from one row, without a look at the tasks', async (t) => {
  const ada = await signUp()
  await ada.add('Task 1')
  await ada.add('Task 2')
  for (const { mount, of } of mounts) {
    for (const query of queries) {
      const path = withQuery(of(ada), query)
      const { headers } = await get(ada, path)
      const tag = String(headers.etag)
      for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
        for (const method of ['GET', 'HEAD']) {
          statements.length = 0
          const answer = await get(ada, path, known, method)
          t.strictSame([answer.status, answer.text], [304, ''], `${method} ${mount} ${JSON.stringify(query)} ${known}`)
          for (const name of ['etag', 'vary', 'cache-control']) t.equal(answer.headers[name], headers[name], `${name} as in the 200`)
          t.equal(statements.length, 1)
          t.notMatch(statements[0], /"tasks"/, 'no task is read')
          const plan = await sql(`explain ${statements[0]!.replaceAll('$1', `'${ada.id}'`)}`)
          t.notMatch(JSON.stringify(plan), /on tasks/)
        }
      }
      for (const other of ['"x"', `${tag.slice(0, -1)}0"`, tag.slice(1, -1), '', ',,', '"', `"x" ${tag}`]) {
        const answer = await get(ada, path, other)
        t.equal(answer.status, 200, `${path} ${other}`)
        t.equal(answer.headers.etag, tag)
      }
    }
  }
  statements.length = 0
  await get(ada, '/api/tasks')
  t.equal(statements.length, 1, 'and whoever has none pays for no question')
})

t.test('a broken rule, a wrong cursor and a missing owner come before 304', async (t) => {
  const ada = await signUp()
  const tag = await tagOf(ada)
  for (const query of ['limit=0', 'cursor=abc', 'colour=red', 'due_after=x', 'cursor=abc&offset=1']) t.equal((await get(ada, `/api/tasks?${query}`, tag)).status, 422, query)
  t.equal((await call('GET', '/api/tasks', { headers: { 'if-none-match': tag } })).status, 401)
  await sql('delete from todo.users where id = $1', [ada.id])
  t.equal((await get(ada, '/api/tasks', tag)).status, 401)
  t.equal((await get(ada, '/api/tasks')).status, 401)
})

t.test('a page and its tag are of one moment, whatever is written meanwhile', async (t) => {
  const ada = await signUp()
  await ada.add('Before')
  for (const known of [undefined, '"old"']) {
    let changes = 0
    meanwhile = async () => {
      if (++changes <= 2) await ada.add('Meanwhile')
    }
    const { headers, body } = await get(ada, '/api/tasks', known)
    meanwhile = async () => {}
    const now = await get(ada, '/api/tasks', String(headers.etag))
    t.equal(now.status, 200, 'what was written after the page was read makes it old')
    t.ok(now.body.total > body.total)
  }
})

import t from 'tap'
import type { Task } from '../../../src/schemas/tasks.js'
import { startApp, type Answer, type CallOptions } from '../../helper.js'
import { mounts } from '../../support/tasks.js'

const { signUp, sql } = await startApp(t)
const [ada, eve] = [await signUp('Ada'), await signUp('Eve')]
const foreign = await eve.add("Eve's")
const NOWHERE = '019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55'

interface Target { id: string, tag: string, old: string }

const tagOf = ({ headers }: Answer) => String(headers.etag)
const read = async (id: string) => ada.call('GET', `/api/tasks/${id}`)

/** A task that has been changed, with the tags of both states. */
async function changedTask (): Promise<Target> {
  const created = await ada.call('POST', '/api/tasks', { body: { title: 'First', description: 'stays', due_date: '2026-12-24' } })
  const { id } = created.body as Task
  return { id, old: tagOf(created), tag: tagOf(await ada.call('PUT', `/api/tasks/${id}`, { body: { title: 'Second', description: 'stays' } })) }
}

/** Everything that a write could have touched. */
const stored = async () => sql(`select (select md5(string_agg(row::text, '' order by row.id)) from todo.tasks row) as tasks,
  (select md5(string_agg(row::text, '' order by row.owner_id)) from todo.task_lists row) as lists,
  (select count(*)::int from todo.task_changes) as changes`)

const kinds: Record<string, { value: (target: Target) => string | undefined, matches: boolean, known: boolean }> = {
  'no header': { value: () => undefined, matches: true, known: false },
  'the right tag': { value: ({ tag }) => tag, matches: true, known: true },
  'an old tag': { value: ({ old }) => old, matches: false, known: false },
  'the right tag, weak': { value: ({ tag }) => `W/${tag}`, matches: true, known: true },
  '*': { value: () => '*', matches: true, known: true },
  'a list with the right tag': { value: ({ tag, old }) => `${old}, "other",${tag}`, matches: true, known: true },
  'a list without it': { value: ({ old }) => `${old}, "other"`, matches: false, known: false },
  'a malformed one': { value: ({ tag }) => tag.slice(0, -1), matches: false, known: false },
  'an empty one': { value: () => '', matches: false, known: false },
  'another shape of the right tag': { value: ({ tag }) => tag.replace(/\.\w+"$/, '.another"'), matches: true, known: false }
}

interface Operation { method: string, path?: string, body?: object, success: number, effect?: object }
const operations: Record<string, Operation> = {
  GET: { method: 'GET', success: 200 },
  HEAD: { method: 'HEAD', success: 200 },
  PUT: { method: 'PUT', body: { title: 'Third' }, success: 200, effect: { title: 'Third', description: null, due_date: '2026-12-24' } },
  PATCH: { method: 'PATCH', body: { title: 'Third' }, success: 200, effect: { title: 'Third', description: 'stays', due_date: '2026-12-24' } },
  complete: { method: 'PATCH', path: '/complete', success: 200, effect: { title: 'Second', is_completed: true } },
  DELETE: { method: 'DELETE', success: 204 },
  POST: { method: 'POST', body: { title: 'Third' }, success: 201 }
}
const isWrite = (name: string) => !['GET', 'HEAD', 'POST'].includes(name)

for (const { mount, of } of mounts) {
  for (const [name, { method, path = '', body, success, effect }] of Object.entries(operations)) {
    for (const header of ['if-match', 'if-none-match'] as const) {
      t.test(`${mount}: ${name} with ${header} of every kind, for an own, a foreign and an absent task`, async (t) => {
        let own = await changedTask()
        for (const [kind, { value, matches, known }] of Object.entries(kinds)) {
          const given = value(own)
          const options: CallOptions = { ...(body && { body }), ...(given !== undefined && { headers: { [header]: given } }) }
          const send = async (id: string) => ada.call(method, name === 'POST' ? of(ada) : `${of(ada)}/${id}${path}`, options)

          const before = await stored()
          if (name !== 'POST') {
            t.match(await send(foreign.id), { status: 403, ...(method !== 'HEAD' && { body: { detail: 'Not authorized to access this task' } }) }, kind)
            t.match(await send(NOWHERE), { status: 404, ...(method !== 'HEAD' && { body: { detail: 'Task not found' } }) }, kind)
            t.strictSame(await stored(), before, 'nothing has changed')
          }

          const answer = await send(own.id)
          t.match(answer.headers, { vary: 'Authorization, Origin', 'cache-control': 'private, no-cache' }, kind)
          if (isWrite(name) && header === 'if-match' && !matches) {
            t.strictSame([answer.status, answer.body, tagOf(answer)], [412, { detail: 'Precondition failed', status_code: 412 }, own.tag], kind)
            t.strictSame(await stored(), before, `${kind}: nothing has changed`)
            continue
          }
          const isThere = !isWrite(name) && name !== 'POST' && header === 'if-none-match' && known
          t.equal(answer.status, isThere ? 304 : success, kind)
          if (name === 'GET' || name === 'HEAD') {
            const whole = await read(own.id)
            t.equal(tagOf(answer), own.tag, kind)
            t.equal(answer.text, isThere || name === 'HEAD' ? '' : whole.text, kind)
            const rest = ({ headers: { date, 'x-request-id': id, 'content-length': length, 'content-type': type, ...headers } }: Answer) => headers
            t.strictSame(rest(answer), rest(whole), `${kind}: the headers are those of a whole answer`)
            t.strictSame(await stored(), before)
            continue
          }
          if (effect) {
            t.match(answer.body, effect, kind)
            t.not(tagOf(answer), own.tag, 'the new state has another tag')
            const changed = await read(own.id)
            t.equal(tagOf(answer), tagOf(changed), 'which is the one of a GET')
            t.match(changed.body, effect)
          }
          if (name === 'DELETE') t.equal((await read(own.id)).status, 404, kind)
          if (isWrite(name)) own = await changedTask()
        }
      })
    }
  }

  t.test(`${mount}: with a tag the order of refusals is 401, 403 of the user, the request, the task, its state`, async (t) => {
    const { id, old } = await changedTask()
    const headers = { 'if-match': old }
    const url = `${of(ada)}/${id}`
    t.equal((await ada.call('PUT', url, { headers, token: 'x', body: {} })).status, 401)
    t.equal((await ada.call('PUT', `/api/${eve.id}/tasks/${id}`, { headers, body: {} })).status, 403)
    t.equal((await ada.call('PUT', url, { headers, body: '{' })).status, 400)
    t.equal((await ada.call('PUT', url, { headers, body: {} })).status, 422)
    t.equal((await ada.call('PUT', url, { headers: { ...headers, 'content-type': 'text/plain' }, body: 'x' })).status, 415)
    t.equal((await ada.call('PUT', `${of(ada)}/${foreign.id}`, { headers, body: { title: 'x' } })).status, 403)
    t.equal((await ada.call('PUT', `${of(ada)}/${NOWHERE}`, { headers, body: { title: 'x' } })).status, 404)
    t.equal((await ada.call('PUT', url, { headers, body: { title: 'x' } })).status, 412)
  })
}

t.test('both mounts have the same tags; each write has a new one, and that of another task changes nothing', async (t) => {
  const created = await ada.call('POST', '/api/tasks', { body: { title: 'Tagged' } })
  const { id } = created.body as Task
  t.equal(tagOf(created), tagOf(await read(id)), 'the tag of a new task is known at once')
  const tags = [tagOf(created)]
  for (const [method, path, body] of [
    ['PUT', '', { title: 'Tagged' }], ['PATCH', '', {}], ['PATCH', '/complete', { is_completed: false }], ['PATCH', '/complete', { is_completed: false }]
  ] as const) tags.push(tagOf(await ada.call(method, `/api/tasks/${id}${path}`, { body })))
  t.equal(new Set(tags).size, tags.length, 'also where nothing was changed')
  for (const { of } of mounts) t.equal(tagOf(await ada.call('GET', `${of(ada)}/${id}`)), tags.at(-1))
  const other = await ada.add('Another')
  await ada.call('DELETE', `/api/tasks/${other.id}`)
  t.equal(tagOf(await read(id)), tags.at(-1))
  for (const tag of tags) t.match(tag, /^"[!#-~]+"$/, 'it is strong')
})

t.test('a task that nobody has touched since version 1.0 has a tag too', async (t) => {
  const { id } = await ada.add('Old')
  await sql("update todo.tasks set revision = 0, updated_at = '2026-01-06T10:30:00.123Z' where id = $1", [id])
  const tag = tagOf(await read(id))
  t.match(await ada.call('PATCH', `/api/tasks/${id}`, { body: {}, headers: { 'if-match': tag.replace('123', '124') } }), { status: 412, headers: { etag: tag } })
  t.equal((await ada.call('PATCH', `/api/tasks/${id}`, { body: {}, headers: { 'if-match': tag } })).status, 200)
})

t.test('on a list If-Match has no meaning', async (t) => {
  for (const { of } of mounts) t.equal((await ada.call('GET', of(ada), { headers: { 'if-match': '"x"' } })).status, 200)
  t.match((await ada.call('GET', '/api/tasks')).headers, { vary: 'Authorization, Origin' })
})

t.test('of 200 clients that read, add one and write what they have read no addition is lost', async (t) => {
  const { id } = await ada.add('0')
  const url = `/api/tasks/${id}`
  async function addOne (): Promise<number> {
    for (let tries = 1; ; tries++) {
      const found = await ada.call('GET', url)
      const title = String(Number(found.body.title) + 1)
      const { status } = await ada.call('PATCH', url, { body: { title }, headers: { 'if-match': tagOf(found) } })
      if (status === 200) return tries
      if (status !== 412) throw new Error(`a PATCH is ${status}`)
    }
  }
  // Four at a time: each addition lets all others try again, so that all at once would be 40,000 requests.
  const clients = Array.from({ length: 200 }, () => addOne)
  const tries: number[] = []
  await Promise.all(Array.from({ length: 4 }, async () => {
    for (let client = clients.pop(); client; client = clients.pop()) tries.push(await client())
  }))
  t.equal((await read(id)).body.title, '200')
  t.equal(tries.length, 200)
  t.ok(tries.some((count) => count > 1), 'some have met')
})

t.test('after a restored backup the tags of what it has undone match nothing, and those of what is in it match', async (t) => {
  const kept = await changedTask()
  const undone = await changedTask()
  const list = await sql<{ revision: number, changed_at: string }>('select * from todo.task_lists where owner_id = $1', [ada.id])
  const [task] = await sql<Record<string, unknown>>('select * from todo.tasks where id = $1', [undone.id])
  const write = async (title: string, tag?: string) =>
    ada.call('PUT', `/api/tasks/${undone.id}`, { body: { title }, ...(tag !== undefined && { headers: { 'if-match': tag } }) })
  const lost = [tagOf(await write('Lost')), tagOf(await write('Lost again'))]
  const lostAt = Date.parse((await read(undone.id)).body.updated_at as string)

  const { revision, changed_at: changedAt } = list[0]!
  await sql('update todo.task_lists set revision = $2, changed_at = $3 where owner_id = $1', [ada.id, revision, changedAt])
  await sql('delete from todo.task_changes where owner_id = $1 and revision > $2', [ada.id, revision])
  await sql('update todo.tasks set title = $2, updated_at = $3, revision = $4 where id = $1',
    [undone.id, task!.title, task!.updated_at, task!.revision])

  for (const tag of lost) t.equal((await write('Overwritten', tag)).status, 412)
  t.equal((await ada.call('PATCH', `/api/tasks/${kept.id}`, { body: {}, headers: { 'if-match': kept.tag } })).status, 200)
  // The clock goes on while backups are restored.
  while (Date.now() <= lostAt) await read(undone.id)
  const again = await write('Again', undone.tag)
  t.equal(again.status, 200, 'the state that was restored is the one that its tag names')
  const numberOf = (tag: string) => tag.split('-')[0]
  t.ok(lost.some((tag) => numberOf(tag) === numberOf(tagOf(again))), 'numbers come again')
  for (const tag of lost) {
    t.equal((await write('Overwritten', tag)).status, 412)
    t.equal((await ada.call('GET', `/api/tasks/${undone.id}`, { headers: { 'if-none-match': tag } })).status, 200)
  }
  t.equal((await read(undone.id)).body.title, 'Again')
})

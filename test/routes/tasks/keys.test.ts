import t from 'tap'
import type { Task } from '../../../src/schemas/tasks.js'
import { startApp, type Answer } from '../../helper.js'
import { exchange, listen, request } from '../../support/raw.js'
import { issues, mounts } from '../../support/tasks.js'

const { app, signUp, sql } = await startApp(t)
const port = await listen(app)
const [ada, eve] = [await signUp('Ada'), await signUp('Eve')]

const refused = [{ loc: ['header', 'idempotency-key'], type: 'value_error.idempotency_key' }]
const numberOf = async (title: string) => (await sql('select id from todo.tasks where title = $1', [title])).length
let keys = 0
const newKey = () => `key-${++keys}`
const create = async (key: string, body: unknown, list = '/api/tasks', person = ada) =>
  person.call('POST', list, { body, headers: { 'idempotency-key': key } })
const isReplayed = ({ headers }: Answer) => headers['idempotency-replayed']

for (const [at, { mount, of }] of mounts.entries()) {
  const list = of(ada)

  t.test(`${mount}: a repeat creates nothing and returns the first answer, whatever became of the task`, async (t) => {
    const key = newKey()
    const body = { title: key, description: 'Text', due_date: '2026-12-24' }
    const first = await create(key, body, list)
    t.equal(first.status, 201)
    t.equal(isReplayed(first), undefined)
    const { id } = first.body as Task
    t.equal(first.headers.location, `${list}/${id}`)
    t.equal(first.headers.etag, (await ada.call('GET', `${list}/${id}`)).headers.etag)

    const becomes: Array<[name: string, change: () => Promise<unknown>]> = [
      ['as it was', async () => {}],
      ['changed', async () => ada.call('PUT', `${list}/${id}`, { body: { title: 'Changed', due_date: null } })],
      ['done', async () => ada.call('PATCH', `${list}/${id}/complete`)],
      ['gone', async () => ada.call('DELETE', `${list}/${id}`)]
    ]
    for (const [name, change] of becomes) {
      await change()
      const before = await sql('select revision, open, done from todo.task_lists where owner_id = $1', [ada.id])
      for (const place of [list, mounts[1 - at]!.of(ada)]) {
        const repeat = await create(key, body, place)
        t.strictSame([repeat.status, repeat.text, repeat.headers.etag], [201, first.text, first.headers.etag], name)
        t.equal(isReplayed(repeat), 'true')
        t.equal(repeat.headers.location, `${place}/${id}`, 'it is where it was asked for')
      }
      t.strictSame(await sql('select revision, open, done from todo.task_lists where owner_id = $1', [ada.id]), before)
    }
  })

  t.test(`${mount}: a repeat is one by what its body means, and any other body is refused`, async (t) => {
    const key = newKey()
    t.equal((await create(key, { title: key }, list)).status, 201)
    const same = [{ title: key, description: null }, { due_date: null, title: key }, `{ "title" : "${key.replace('k', '\\u006b')}" }`]
    for (const body of same) t.equal(isReplayed(await create(key, body, list)), 'true', JSON.stringify(body))
    const others = [
      { title: `${key} ` }, { title: key.toUpperCase() }, { title: key, description: '' }, { title: key, description: 'null' },
      { title: key, due_date: '2026-01-01' }
    ]
    for (const body of others) {
      const answer = await create(key, body, list)
      t.equal(answer.status, 422, JSON.stringify(body))
      t.strictSame(issues(answer), refused)
    }
    t.equal(await numberOf(key), 1)
    // Neither of two fields can be taken for the other.
    const split = newKey()
    t.equal((await create(split, { title: 'a', description: '2026-01-01' }, list)).status, 201)
    t.equal((await create(split, { title: 'a', due_date: '2026-01-01' }, list)).status, 422)
  })
}

t.test('of many who come at once with a key one creates a task, and all get it', async (t) => {
  const key = newKey()
  const lists = Array.from({ length: 30 }, (_, n) => mounts[n % 2]!.of(ada))
  const answers = await Promise.all(lists.map(async (list) => create(key, { title: key }, list)))
  t.strictSame([...new Set(answers.map(({ status, text }) => `${status} ${text}`))], [`201 ${answers[0]!.text}`])
  t.equal(answers.filter((answer) => isReplayed(answer) === undefined).length, 1)
  t.equal(await numberOf(key), 1)
})

t.test('a key is its owner\'s, and its case counts', async (t) => {
  const key = newKey()
  const first = await create(key, { title: key })
  for (const other of [await create(key, { title: key }, '/api/tasks', eve), await create(key.toUpperCase(), { title: key })]) {
    t.equal(other.status, 201)
    t.equal(isReplayed(other), undefined)
    t.not(other.body.id, first.body.id)
  }
  await create('of-both', { title: 'Ada\'s' })
  const eves = await create('of-both', { title: 'Eve\'s' }, '/api/tasks', eve)
  for (let n = 0; n < 3; n++) {
    t.match(await create('of-both', { title: 'Ada\'s' }), { status: 201, body: { user_id: ada.id }, headers: { 'idempotency-replayed': 'true' } })
    t.strictSame((await create('of-both', { title: 'Eve\'s' }, '/api/tasks', eve)).body, eves.body)
    t.equal((await create('of-both', { title: 'Ada\'s' }, '/api/tasks', eve)).status, 422, 'her own body counts')
  }
  const without = await Promise.all([1, 2].map(async () => ada.call('POST', '/api/tasks', { body: { title: 'Twice' } })))
  t.not(without[0]!.body.id, without[1]!.body.id, 'without a key each request creates a task')
})

t.test('a key is 1 to 255 characters from U+0021 to U+007E in one line, taken as they are', async (t) => {
  const all = Array.from({ length: 0x7e - 0x20 }, (_, n) => String.fromCharCode(0x21 + n)).join('')
  const good = ['x', 'x'.repeat(255), all, '"quoted"', '019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55', ',', '%20', '__proto__', 'null']
  for (const key of good) {
    t.equal(isReplayed(await create(key, { title: `good ${key}`.slice(0, 200) })), undefined, key)
    t.equal(isReplayed(await create(key, { title: `good ${key}`.slice(0, 200) })), 'true', key)
  }
  const stored = await sql<{ key: string }>('select key from todo.idempotency_keys where owner_id = $1', [ada.id])
  t.strictSame(good.filter((key) => !stored.some((row) => row.key === key)), [])
  for (const key of ['', 'x'.repeat(256), 'two words', 'tab\there', 'é', '\x80', '\xff', '\xa0']) {
    for (const { of } of mounts) {
      const answer = await create(key, { title: 'bad key' }, of(ada))
      t.equal(answer.status, 422, JSON.stringify(key))
      t.strictSame(issues(answer), refused)
    }
  }
  t.equal(await numberOf('bad key'), 0)
  t.match((await create('two words', {})).body.detail, [{ loc: ['body', 'title'] }], 'the body is looked at first')
})

t.test('two lines are no key, also when they say the same, and a line of spaces is an empty one', async (t) => {
  const body = '{"title":"two lines"}'
  const send = async (...lines: string[]) => {
    const [answer] = await exchange(port, request('POST /api/tasks HTTP/1.1', [
      'Host: x', `Authorization: Bearer ${ada.token}`, 'Content-Type: application/json', `Content-Length: ${body.length}`, 'Connection: close', ...lines
    ], body))
    return answer!
  }
  for (const lines of [['Idempotency-Key: a', 'Idempotency-Key: b'], ['Idempotency-Key: a', 'idempotency-key: a'], ['Idempotency-Key:   ']]) {
    const { status, text } = await send(...lines)
    t.equal(status, 422, lines.join())
    t.match(text, 'value_error.idempotency_key')
  }
  t.equal(await numberOf('two lines'), 0)
  t.equal((await send('Idempotency-Key:  around ')).status, 201)
  t.equal(isReplayed(await create('around', { title: 'two lines' })), 'true', 'what is around it is no part of it (RFC 9110 §5.5)')
})

t.test('a refused request keeps nothing: its key is free', async (t) => {
  const key = newKey()
  for (const [body, options] of [
    [{}, {}], [{ title: '' }, {}], ['{', {}], [{ title: key, colour: 'red' }, {}], [{ title: key }, { token: 'x' }],
    [{ title: key, description: 'x'.repeat(2001) }, {}]
  ] as const) {
    const answer = await ada.call('POST', '/api/tasks', { body, headers: { 'idempotency-key': key }, ...options })
    t.ok(answer.status >= 400 && answer.status < 500)
  }
  t.strictSame(await sql('select * from todo.idempotency_keys where key = $1', [key]), [])
  t.match(await create(key, { title: key }), { status: 201, headers: { 'idempotency-replayed': undefined } })
})

t.test('where it does not create a task a key has no meaning', async (t) => {
  const { id } = await ada.add('Elsewhere')
  const headers = { 'idempotency-key': 'not a key' }
  t.equal((await ada.call('PUT', `/api/tasks/${id}`, { body: { title: 'x' }, headers })).status, 200)
  t.equal((await ada.call('PATCH', `/api/tasks/${id}/complete`, { headers })).status, 200)
  t.equal((await ada.call('GET', '/api/tasks', { headers })).status, 200)
})

t.test('a key of somebody who is gone is 401 and creates nothing', async (t) => {
  const ghost = await signUp('Ghost')
  const key = newKey()
  t.equal((await create(key, { title: key }, '/api/tasks', ghost)).status, 201)
  await sql('delete from todo.users where id = $1', [ghost.id])
  t.equal((await create(key, { title: key }, '/api/tasks', ghost)).status, 401)
  t.equal((await create(newKey(), { title: key }, '/api/tasks', ghost)).status, 401)
  t.equal(await numberOf(key), 0)
})

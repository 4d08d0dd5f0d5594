import t from 'tap'
import type { Task } from '../../../src/schemas/tasks.js'
import { startApp } from '../../helper.js'
import { issues, mounts } from '../../support/tasks.js'

const { app, call, signUp } = await startApp(t)
const ada = await signUp()

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const NOWHERE = '019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55'
const JSON_TYPE = { 'content-type': 'application/json' }

const stateOf = async (id: string): Promise<Task> => (await ada.call('GET', `/api/tasks/${id}`)).body

for (const { mount, of } of mounts) {
  const list = of(ada)

  t.test(`${mount}: a new task is open, belongs to whoever made it, and is where Location says`, async (t) => {
    const created = await ada.call('POST', list, { body: { title: 'Buy milk' } })
    t.equal(created.status, 201)
    t.strictSame(created.body, {
      id: created.body.id,
      title: 'Buy milk',
      description: null,
      is_completed: false,
      due_date: null,
      user_id: ada.id,
      created_at: created.body.created_at,
      updated_at: created.body.created_at
    })
    t.match(created.body, { id: UUID_V7, created_at: TIME })
    t.equal(created.headers.location, `${list}/${created.body.id}`)
    const found = await ada.call('GET', String(created.headers.location))
    t.equal(found.status, 200)
    t.strictSame(found.body, created.body)
  })

  t.test(`${mount}: a PUT replaces title and description, and leaves the rest alone`, async (t) => {
    const task = await ada.add('Before', 'Described')
    const { body: done } = await ada.call('PATCH', `${list}/${task.id}/complete`, { body: { is_completed: true } })
    const { status, body } = await ada.call('PUT', `${list}/${task.id}`, { body: { title: 'After', description: 'Other' } })
    t.equal(status, 200)
    t.strictSame(body, { ...done, title: 'After', description: 'Other', updated_at: body.updated_at })
    t.strictSame(await stateOf(task.id), body, 'it is stored')
    for (const content of [{ title: 'No description' }, { title: 'Null', description: null }]) {
      await ada.call('PUT', `${list}/${task.id}`, { body: { title: 'Described', description: 'again' } })
      const { body: bare } = await ada.call('PUT', `${list}/${task.id}`, { body: content })
      t.match(bare, { title: content.title, description: null, is_completed: true, created_at: task.created_at })
    }
  })

  t.test(`${mount}: PATCH sets what its body says, also twice, and flips without a body`, async (t) => {
    const task = await ada.add('Flip me', 'stays')
    const steps: Array<[string, object, boolean]> = [
      ['set', { body: { is_completed: true } }, true],
      ['set again', { body: { is_completed: true } }, true],
      ['unset', { body: { is_completed: false } }, false],
      ['unset again', { body: { is_completed: false } }, false],
      ['flip', {}, true],
      ['flip back', {}, false],
      ['flip with a JSON content type', { headers: JSON_TYPE }, true],
      ['flip with a JSON content type and a length of 0', { headers: { ...JSON_TYPE, 'content-length': '0' } }, false],
      // 415 is for a body, and there is none.
      ['flip with another content type', { headers: { 'content-type': 'text/plain' } }, true],
      ['flip as an empty form', { headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' } }, false]
    ]
    for (const [step, options, expected] of steps) {
      const { status, body } = await ada.call('PATCH', `${list}/${task.id}/complete`, options)
      t.equal(status, 200, step)
      t.strictSame(body, { ...task, is_completed: expected, updated_at: body.updated_at }, step)
      t.strictSame(await stateOf(task.id), body, `${step}: it is stored`)
    }
  })

  t.test(`${mount}: a PATCH whose body is no answer to the question is 422 and changes nothing`, async (t) => {
    const task = await ada.add('Leave me')
    const cases: Array<[unknown, string[], string]> = [
      [{}, ['body', 'is_completed'], 'value_error.missing'],
      ...[null, [], true, 0, 'true'].map((body): [unknown, string[], string] => [JSON.stringify(body), ['body'], 'type_error.object']),
      ...['true', 1, 0, null, [], {}].map((value): [unknown, string[], string] =>
        [{ is_completed: value }, ['body', 'is_completed'], 'type_error.bool']),
      [{ is_completed: true, title: 'x' }, ['body', 'title'], 'value_error.extra']
    ]
    for (const [body, loc, type] of cases) {
      const answer = await ada.call('PATCH', `${list}/${task.id}/complete`, { body })
      t.equal(answer.status, 422, JSON.stringify(body))
      t.strictSame(issues(answer), [{ loc, type }], JSON.stringify(body))
    }
    t.strictSame(await stateOf(task.id), task)
  })

  t.test(`${mount}: DELETE removes a task for good, whatever body comes with it`, async (t) => {
    const bodies: Array<[string, object]> = [
      ['none', {}],
      ['none, but a JSON content type', { headers: JSON_TYPE }],
      ['JSON', { body: { is_completed: true } }],
      ['null', { body: 'null' }],
      ['malformed JSON', { body: '{"title":' }],
      ['not UTF-8', { body: Buffer.from([0xff, 0xfe]) }],
      ['another content type', { body: 'a,b', headers: { 'content-type': 'text/csv' } }],
      ['a content type that is none', { body: 'a', headers: { 'content-type': 'nonsense' } }],
      ['100 KiB', { body: 'x'.repeat(100 * 1024) }],
      ['100 KiB of another content type', { body: 'x'.repeat(100 * 1024), headers: { 'content-type': 'text/plain' } }]
    ]
    const other = await ada.add('Stays')
    for (const [kind, options] of bodies) {
      const { id } = await ada.add('Goes')
      const { status, text } = await ada.call('DELETE', `${list}/${id}`, options)
      t.equal(status, 204, kind)
      t.equal(text, '', kind)
      t.equal((await ada.call('GET', `${list}/${id}`)).status, 404, kind)
      t.strictSame((await ada.call('DELETE', `${list}/${id}`, options)).body, { detail: 'Task not found', status_code: 404 }, kind)
    }
    t.strictSame(await stateOf(other.id), other)
  })

  t.test(`${mount}: ids work in upper case, and are refused in any other form`, async (t) => {
    const shouted = of({ id: ada.id.toUpperCase() })
    const { body: task, headers } = await ada.call('POST', shouted, { body: { title: 'Loud' } })
    t.equal((await ada.call('GET', String(headers.location))).status, 200)
    const url = `${shouted}/${task.id.toUpperCase()}`
    t.strictSame((await ada.call('GET', url)).body, task)
    t.equal((await ada.call('GET', shouted)).status, 200)
    t.match(await ada.call('PUT', url, { body: { title: 'Louder' } }), { status: 200, body: { id: task.id, title: 'Louder', user_id: ada.id } })
    t.match(await ada.call('PATCH', `${url}/complete`), { status: 200, body: { id: task.id, is_completed: true } })
    const others = [`urn:uuid:${task.id}`, `{${task.id}}`, task.id.replaceAll('-', ''), `${task.id}0`, `${task.id}%20`, `${task.id}%00`, '1', '%00', '-']
    for (const id of others) {
      const answer = await ada.call('GET', `${list}/${id}`)
      t.equal(answer.status, 422, id)
      t.strictSame(issues(answer), [{ loc: ['path', 'task_id'], type: 'value_error.uuid' }], id)
    }
    for (const id of ['%zz', '%ff', '%']) t.equal((await ada.call('GET', `${list}/${id}`)).status, 400, id)
    t.equal((await ada.call('DELETE', url)).status, 204)
  })

  t.test(`${mount}: answers may be kept by their user alone and are asked for again; HEAD is GET without a body`, async (t) => {
    const { id } = await ada.add('Cached?')
    const item = `${list}/${id}`
    const requests: Array<[string, string, object?]> = [
      ['GET', list], ['HEAD', list], ['GET', item], ['HEAD', item], ['POST', list, { body: { title: 'x' } }],
      ['PUT', item, { body: { title: 'x' } }], ['PATCH', `${item}/complete`], ['DELETE', item], ['GET', item]
    ]
    for (const [method, url, options] of requests) {
      t.equal((await ada.call(method, url, options)).headers['cache-control'], 'private, no-cache', `${method} ${url}`)
    }
    await ada.add('Still there')
    const last = await ada.add('Last')
    for (const url of [`${list}?limit=1`, `${list}/${last.id}`, `${list}/${NOWHERE}`, `${list}/x`]) {
      const get = await ada.call('GET', url)
      const head = await ada.call('HEAD', url)
      t.equal(head.status, get.status, url)
      t.equal(head.text, '', url)
      for (const name of ['content-type', 'content-length', 'link']) t.equal(head.headers[name], get.headers[name], `${name} of ${url}`)
    }
  })
}

t.test('an operation without query parameters refuses one by its name', async (t) => {
  const { id } = await ada.add('Asked oddly')
  for (const { of } of mounts) {
    const item = `${of(ada)}/${id}`
    const requests: Array<[string, string, object?]> = [
      ['POST', of(ada), { body: { title: 'x' } }], ['GET', item], ['PUT', item, { body: { title: 'x' } }],
      ['PATCH', `${item}/complete`], ['DELETE', item]
    ]
    for (const [method, url, options] of requests) {
      const answer = await ada.call(method, `${url}?limit=1`, options)
      t.equal(answer.status, 422, `${method} ${url}`)
      t.strictSame(issues(answer), [{ loc: ['query', 'limit'], type: 'value_error.extra' }], `${method} ${url}`)
    }
  }
})

t.test('ids sort by creation', async (t) => {
  const ids: string[] = []
  for (let i = 0; i < 30; i++) ids.push((await ada.add(`Task ${i}`)).id)
  t.strictSame([...ids].sort(), ids)
  t.equal(new Set(ids).size, 30)
})

t.test('a connection is fit for the next request after the ignored body of a DELETE', async (t) => {
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const headers = { authorization: `Bearer ${ada.token}` }
  for (let i = 0; i < 3; i++) {
    const { id } = await ada.add('Over the wire')
    const gone = await fetch(`${address}/api/tasks/${id}`, { method: 'DELETE', headers, body: 'x'.repeat(100 * 1024) })
    t.equal(gone.status, 204)
    t.equal(await gone.text(), '')
    t.equal((await fetch(`${address}/api/tasks/${id}`, { headers })).status, 404)
  }
  t.equal((await call('GET', '/api/tasks')).status, 401, 'and nobody is let in without a token')
})

import t from 'tap'
import type { Task } from '../../../src/schemas/tasks.js'
import { startApp } from '../../helper.js'
import { issues, mounts } from '../../support/tasks.js'

const { signUp } = await startApp(t)
const ada = await signUp()

const MERGE_PATCH = 'application/merge-patch+json'
const stateOf = async (id: string): Promise<Task> => (await ada.call('GET', `/api/tasks/${id}`)).body
const whole = { title: 'Title', description: 'Text', due_date: '2026-12-24' }

async function fresh (): Promise<Task> {
  const { body: task } = await ada.call('POST', '/api/tasks', { body: whole })
  return (await ada.call('PATCH', `/api/tasks/${task.id}/complete`)).body
}

for (const { mount, of } of mounts) {
  t.test(`${mount}: a patch changes what it names, and nothing else but the time`, async (t) => {
    const patches: object[] = [
      {}, { title: 'New' }, { description: 'New' }, { description: '' }, { description: null }, { due_date: '2027-01-01' }, { due_date: null },
      { is_completed: false }, { is_completed: true }, { title: 'New', description: null, due_date: null, is_completed: false }, whole
    ]
    for (const type of ['application/json', MERGE_PATCH, `${MERGE_PATCH}; charset=utf-8`]) {
      for (const patch of patches) {
        const task = await fresh()
        const name = `${JSON.stringify(patch)} as ${type}`
        const { status, body, headers } = await ada.call('PATCH', `${of(ada)}/${task.id}`, { body: patch, headers: { 'content-type': type } })
        t.equal(status, 200, name)
        t.strictSame(body, { ...task, ...patch, updated_at: body.updated_at }, name)
        t.ok(body.updated_at > task.updated_at, `${name}: its time has moved`)
        t.strictSame(await stateOf(task.id), body)
        t.match(headers['content-type'], /^application\/json/)
      }
    }
  })

  t.test(`${mount}: a patch that breaks a rule is 422, says where, and changes nothing`, async (t) => {
    const task = await fresh()
    const cases: Array<[patch: unknown, at: string[], type: string]> = [
      [{ title: null }, ['title'], 'type_error.string'], [{ title: 1 }, ['title'], 'type_error.string'],
      [{ title: 'x'.repeat(201) }, ['title'], 'value_error.str.max_length'], [{ title: ' ' }, ['title'], 'value_error.str.pattern'],
      [{ is_completed: null }, ['is_completed'], 'type_error.bool'], [{ is_completed: 'true' }, ['is_completed'], 'type_error.bool'],
      [{ description: 1 }, ['description'], 'type_error.string'], [{ description: '\0' }, ['description'], 'value_error.str.pattern'],
      [{ due_date: '2027-02-29' }, ['due_date'], 'value_error.date'], [{ due_date: 1 }, ['due_date'], 'type_error.string'],
      ...['colour', 'id', 'user_id', 'created_at', 'updated_at', 'revision', '__proto__'].map((name): [unknown, string[], string] =>
        [`{"title":"New",${JSON.stringify(name)}:"x"}`, [name], 'value_error.extra']),
      ['[]', [], 'type_error.object'], ['null', [], 'type_error.object'], ['"x"', [], 'type_error.object'], ['', [], 'value_error.missing']
    ]
    for (const type of ['application/json', MERGE_PATCH]) {
      for (const [body, at, rule] of cases) {
        const answer = await ada.call('PATCH', `${of(ada)}/${task.id}`, { body: body === '' ? undefined : body, headers: { 'content-type': type } })
        t.equal(answer.status, 422, JSON.stringify(body))
        t.strictSame(issues(answer), [{ loc: ['body', ...at], type: rule }], JSON.stringify(body))
      }
      t.equal((await ada.call('PATCH', `${of(ada)}/${task.id}`, { body: '{', headers: { 'content-type': type } })).status, 400)
      t.equal((await ada.call('PATCH', `${of(ada)}/${task.id}`, { body: Buffer.from('{"title":"\xff"}', 'latin1'), headers: { 'content-type': type } })).status, 400)
      t.equal((await ada.call('PATCH', `${of(ada)}/${task.id}`, { body: ' '.repeat(65_537), headers: { 'content-type': type } })).status, 413)
    }
    t.strictSame(await stateOf(task.id), task)
  })

  t.test(`${mount}: whoever patches with another media type is told which ones are taken`, async (t) => {
    const task = await fresh()
    const both = `application/json, ${MERGE_PATCH}`
    const cases: Array<[method: string, path: string, headers: Record<string, string>, accepted: string | undefined]> = [
      ['PATCH', '', { 'content-type': 'text/plain' }, both],
      ['PATCH', '', { 'content-type': 'application/json-patch+json' }, both],
      ['PATCH', '', { 'content-type': 'nonsense' }, both],
      ['PATCH', '', { 'content-type': MERGE_PATCH, 'content-encoding': 'gzip' }, both],
      ['PATCH', '/complete', { 'content-type': MERGE_PATCH }, 'application/json'],
      ['PATCH', '/complete', { 'content-type': 'text/plain' }, 'application/json'],
      ['PUT', '', { 'content-type': MERGE_PATCH }, undefined]
    ]
    for (const [method, path, headers, accepted] of cases) {
      const answer = await ada.call(method, `${of(ada)}/${task.id}${path}`, { body: '{"is_completed":false}', headers })
      t.match(answer, { status: 415, body: { detail: 'Unsupported media type' } }, `${method} ${path} ${JSON.stringify(headers)}`)
      t.equal(answer.headers['accept-patch'], accepted)
    }
    t.equal((await ada.call('POST', of(ada), { body: whole, headers: { 'content-type': MERGE_PATCH } })).status, 415)
    t.equal((await ada.call('PATCH', `${of(ada)}/${task.id}`, { body: { title: '' } })).headers['accept-patch'], undefined, 'other refusals do not')
    t.strictSame(await stateOf(task.id), task)
  })

  t.test(`${mount}: a due date is a day of the calendar, or none`, async (t) => {
    const good = ['2026-12-24', '2028-02-29', '2000-02-29', '0001-01-01', '0099-12-31', '9999-12-31']
    const bad = [
      '2027-02-29', '1900-02-29', '2026-02-30', '2026-04-31', '2026-13-01', '2026-00-10', '2026-01-00', '2026-01-32', '0000-01-01', '10000-01-01',
      '-0001-01-01', '+2026-01-01', '2026-1-1', '20260101', '2026-01-01T00:00:00Z', '2026-01-01 ', ' 2026-01-01', '2026/01/01', '01-01-2026',
      '2026-W01-1', '2026-001', 'infinity', 'today', '', '\u0662026-01-01', '2026-01-01\n'
    ]
    const { id } = await fresh()
    const item = `${of(ada)}/${id}`
    const writes = [['POST', of(ada), 201], ['PUT', item, 200], ['PATCH', item, 200]] as const
    for (const [method, url, success] of writes) {
      for (const due of [...good, null]) {
        const { status, body } = await ada.call(method, url, { body: { title: 'Due', due_date: due } })
        t.strictSame([status, body.due_date], [success, due], `${method} ${due}`)
        t.equal((await stateOf(body.id)).due_date, due)
      }
      for (const due of bad) {
        const answer = await ada.call(method, url, { body: { title: 'Due', due_date: due } })
        t.equal(answer.status, 422, `${method} ${JSON.stringify(due)}`)
        t.strictSame(issues(answer), [{ loc: ['body', 'due_date'], type: 'value_error.date' }])
      }
    }
  })

  t.test(`${mount}: a PUT by a client that knows no due date leaves it, null clears it, and an absent description becomes null`, async (t) => {
    const { id } = await fresh()
    const put = async (body: object) => (await ada.call('PUT', `${of(ada)}/${id}`, { body })).body
    t.match(await put({ title: 'New' }), { title: 'New', description: null, due_date: '2026-12-24', is_completed: true })
    t.match(await put({ title: 'New', due_date: '2027-01-01' }), { due_date: '2027-01-01' })
    t.match(await put({ title: 'New', due_date: null }), { due_date: null })
    t.match(await stateOf(id), { title: 'New', description: null, due_date: null, is_completed: true })
  })
}

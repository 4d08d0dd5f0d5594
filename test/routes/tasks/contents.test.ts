import t from 'tap'
import type { Task } from '../../../src/schemas/tasks.js'
import { startApp } from '../../helper.js'
import { issues, mounts } from '../../support/tasks.js'

const { signUp, sql } = await startApp(t)
const ada = await signUp()

/** A value as a part of a test's name: TAP is read line by line, and Unicode has many line ends. */
const shown = (value: unknown) => JSON.stringify(value).slice(0, 50).replace(/[^ -~]/gu, (char) => `<${char.codePointAt(0)!.toString(16)}>`)

const stateOf = async (id: string): Promise<Task> => (await ada.call('GET', `/api/tasks/${id}`)).body

const astral = '😀'
const whiteSpace = '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000'

t.test('titles and descriptions at their limits are kept as they are', async (t) => {
  const contents = [
    { title: 'x' },
    { title: 'x'.repeat(200), description: 'y'.repeat(2000) },
    { title: astral.repeat(200), description: astral.repeat(2000) },
    { title: ' padded\n', description: '' },
    { title: 'x', description: whiteSpace },
    // Neither of these is white space to Unicode.
    { title: '\ufeff' },
    { title: '\u200b' },
    { title: `${whiteSpace}.` },
    { title: 'שלום e\u0301 \u0001\u001f\u007f \uffff \u{10ffff}', description: '\\u0000 "quoted" \u2028' }
  ]
  const { id } = await ada.add('To be replaced')
  for (const { of } of mounts) {
    for (const content of contents) {
      const expected = { description: null, ...content }
      const name = shown(content)
      const created = await ada.call('POST', of(ada), { body: content })
      t.match(created, { status: 201, body: expected }, `POST ${name}`)
      t.match(await ada.call('PUT', `${of(ada)}/${id}`, { body: content }), { status: 200, body: expected }, `PUT ${name}`)
      t.match(await stateOf(created.body.id), expected)
      t.match(await stateOf(id), expected)
    }
  }
})

t.test('a title or description beyond the rules is 422, says where and why, and stores nothing', async (t) => {
  const task = await ada.add('Untouched', 'as it is')
  const ofTitle = (value: unknown, type: string): [object, string, string] => [{ title: value }, 'title', type]
  const ofDescription = (value: unknown, type: string): [object, string, string] => [{ title: 'x', description: value }, 'description', type]
  const extra = (name: string): [string, string, string] => [`{"title":"x",${JSON.stringify(name)}:1}`, name, 'value_error.extra']
  const cases: Array<[object | string, string, string]> = [
    [{}, 'title', 'value_error.missing'],
    [{ description: 'x' }, 'title', 'value_error.missing'],
    ofTitle('', 'value_error.str.min_length'),
    ofTitle('x'.repeat(201), 'value_error.str.max_length'),
    ofTitle(astral.repeat(201), 'value_error.str.max_length'),
    ...[...whiteSpace, whiteSpace].map((blank) => ofTitle(blank, 'value_error.str.pattern')),
    ...['\0', 'a\0', '\ud800', 'a\udfff', '\ude00\ud83d'].flatMap((bad) =>
      [ofTitle(bad, 'value_error.str.pattern'), ofDescription(bad, 'value_error.str.pattern')]),
    ofDescription('x'.repeat(2001), 'value_error.str.max_length'),
    ofDescription(astral.repeat(2001), 'value_error.str.max_length'),
    ...[1, true, null, [], ['x'], {}].map((value) => ofTitle(value, 'type_error.string')),
    ...[1, false, [], {}].map((value) => ofDescription(value, 'type_error.string')),
    ...['is_completed', 'id', 'user_id', 'created_at', 'Title', '__proto__', 'constructor', '', 'a/b~c', '\0'].map(extra)
  ]
  const requests = mounts.flatMap(({ of }) => [['POST', of(ada)], ['PUT', `${of(ada)}/${task.id}`]] as const)
  const count = async () => sql('select count(*)::int as n from todo.tasks')
  const before = await count()
  for (const [method, url] of requests) {
    for (const [body, field, type] of cases) {
      const name = `${method} ${shown(body)}`
      const answer = await ada.call(method, url, { body })
      t.equal(answer.status, 422, name)
      t.ok(issues(answer).some((issue) => issue.type === type), `${name}: ${type}`)
      for (const { loc } of issues(answer)) t.strictSame(loc, ['body', field], name)
    }
    for (const body of [undefined, null, [], 'title', 1]) {
      const answer = await ada.call(method, url, { body: body === undefined ? undefined : JSON.stringify(body) })
      t.match(answer, { status: 422, body: { detail: [{ loc: ['body'] }] } }, `${method} ${JSON.stringify(body)}`)
    }
    const many = await ada.call(method, url, { body: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`x${i}`, i])) })
    t.equal(many.body.detail.length, 20, 'of many broken rules the first twenty are listed')
  }
  t.strictSame(await stateOf(task.id), task)
  t.strictSame(await count(), before)
})

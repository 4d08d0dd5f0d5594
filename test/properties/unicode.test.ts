import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import t from 'tap'
import { startApp } from '../helper.js'
import { issues, mounts } from '../support/tasks.js'

const { signUp, sql } = await startApp(t)
const ada = await signUp()

const WHITE_SPACE = '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'

/** Characters that are known to get lost, reordered or changed somewhere on the way. */
const awkward = fc.constantFrom(
  ...WHITE_SPACE, '\u0001', '\u001b', '\u001f', '\u007f', '\u009f', '\ufeff', '\ufffe', '\uffff', '\ufffd', '\u200b', '\u200d', '\u200f', '\u202e',
  '\u0301', 'e\u0301', '\u00e9', 'שלום', 'مرحبا', '👩‍👩‍👧‍👦', '🇪🇺', '\u{1f600}', '\u{10ffff}', '\u{1d11e}', '"', '\\', '\\u0000', "'", '%', '$1', '{}', 'ﬃ', 'İ', 'ß'
)

/** A text of at most so many code points, without U+0000. */
const text = (maxLength: number) => fc.oneof(
  fc.string({ unit: 'binary', maxLength, size: 'max' }),
  fc.string({ unit: 'grapheme', maxLength }),
  fc.string({ unit: awkward, maxLength }),
  fc.string({ unit: awkward, minLength: 1, maxLength: 3 }),
  fc.string({ unit: 'binary', minLength: maxLength, maxLength })
).map((value) => [...value.replaceAll('\0', '')].slice(0, maxLength).join(''))

const isBlank = (value: string) => [...value].every((char) => WHITE_SPACE.includes(char))
const title = text(200).filter((value) => !isBlank(value))
const description = fc.option(text(2000))

t.test('any valid title and description come back as they were sent, from every operation', async (t) => {
  const mount = fc.constantFrom(...mounts)
  await fc.assert(fc.asyncProperty(title, description, title, description, mount, async (a, b, c, d, { of }) => {
    const created = await ada.call('POST', of(ada), { body: { title: a, description: b } })
    const item = `${of(ada)}/${created.body.id}`
    const seen = async () => {
      const { body: list } = await ada.call('GET', `${of(ada)}?limit=1`)
      const { body: task } = await ada.call('GET', item)
      return [list.tasks[0], task].map((task) => [task.title, task.description])
    }
    assert.deepEqual([created.status, created.body.title, created.body.description], [201, a, b])
    assert.deepEqual(await seen(), [[a, b], [a, b]])
    const replaced = await ada.call('PUT', item, { body: { title: c, description: d } })
    assert.deepEqual([replaced.status, replaced.body.title, replaced.body.description], [200, c, d])
    assert.deepEqual(await seen(), [[c, d], [c, d]])
    const stored = await sql("select encode(convert_to(title, 'UTF8'), 'hex') as title from todo.tasks where id = $1", [created.body.id])
    assert.deepEqual(stored, [{ title: Buffer.from(c).toString('hex') }], 'byte for byte in the table too')
    assert.equal((await ada.call('DELETE', item)).status, 204)
  }), {
    numRuns: 60,
    // A text that begins with U+FEFF: a decoder may take it for a byte order mark.
    examples: mounts.map((each): [string, string, string, string, typeof each] => ['\ufeff', '\ufeff', '\ufeffa', '\ufeff\ufeff', each])
  })
  t.pass('every one of them')
})

/** A text with something inside that no text may have. */
const broken = (valid: fc.Arbitrary<string>) =>
  fc.tuple(valid, fc.constantFrom('\0', '\ud800', '\udbff', '\udc00', '\udfff'), fc.nat()).map(([value, bad, at]) => {
    const chars = [...value]
    chars.splice(at % (chars.length + 1), 0, bad)
    return chars.join('')
  })

const tooLong = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom('x', 'é', '😀', '\u0301'), minLength: maxLength + 1, maxLength: maxLength + 20 })

const badTitle = fc.oneof(broken(text(199)), tooLong(200), fc.string({ unit: fc.constantFrom(...WHITE_SPACE), maxLength: 200 }))
const badDescription = fc.oneof(broken(text(1999)), tooLong(2000))

t.test('any invalid title or description is 422 and named, and nothing is stored', async (t) => {
  const task = await ada.add('As it was', 'and stays')
  const body = fc.oneof(
    fc.record({ title: badTitle, description }).map((content) => ({ content, bad: ['title'] })),
    fc.record({ title, description: badDescription }).map((content) => ({ content, bad: ['description'] })),
    fc.record({ title: badTitle, description: badDescription }).map((content) => ({ content, bad: ['description', 'title'] }))
  )
  await fc.assert(fc.asyncProperty(body, fc.constantFrom(...mounts), async ({ content, bad }, { of }) => {
    for (const [method, url] of [['POST', of(ada)], ['PUT', `${of(ada)}/${task.id}`]] as const) {
      const answer = await ada.call(method, url, { body: content })
      assert.equal(answer.status, 422)
      assert.deepEqual([...new Set(issues(answer).map(({ loc }) => loc.join('.')))].sort(), bad.map((field) => `body.${field}`))
    }
  }), { numRuns: 100 })
  t.strictSame((await ada.call('GET', '/api/tasks')).body.tasks, [task])
})

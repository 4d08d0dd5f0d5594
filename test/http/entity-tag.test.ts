import t from 'tap'
import { SHAPE, isKnown, statesOf, tagOf } from '../../src/http/entity-tag.js'
import { Task } from '../../src/schemas/tasks.js'

const state = { revision: 42, time: 1_767_693_004_000 }
const other = { revision: 7, time: 1 }
const tag = tagOf(state)

t.test('a task that is shown with another member has other tags: whoever keeps the old form gets the new one', async (t) => {
  // Where this fails, change both lines: SHAPE is then another one than it ever was.
  t.strictSame(Object.keys(Task.properties),
    ['id', 'title', 'description', 'is_completed', 'due_date', 'user_id', 'created_at', 'updated_at'])
  t.equal(SHAPE, '1')
  t.equal(tag, `"42-1767693004000.${SHAPE}"`)
})

/** A value, the states that it allows as an If-Match, and whether it is known as an If-None-Match. */
const values: Array<[value: string | undefined, states: object[] | undefined, known: boolean]> = [
  [undefined, undefined, false],
  ['*', undefined, true],
  [tag, [state], true],
  [`W/${tag}`, [state], true],
  [`"x", ${tag}`, [state], true],
  [`${tagOf(other)},W/${tag}`, [other, state], true],
  [` ,\t, ${tag} ,, "a,b" ,`, [state], true],
  ['"42-1767693004000.another"', [state], false],
  ['"42-1767693004000."', [state], false],
  [tagOf(other), [other], false],
  ['""', [], false],
  ['"\xe9!#~"', [], false],
  ['', [], false],
  [',', [], false],
  ['*, *', [], false],
  [`*, ${tag}`, [], false],
  [tag.slice(1), [], false],
  [tag.slice(0, -1), [], false],
  [tag.slice(1, -1), [], false],
  [`w/${tag}`, [], false],
  [`W/ ${tag}`, [], false],
  [`${tag} ${tag}`, [], false],
  [`${tag}, malformed`, [], false],
  [`${tag};q=1`, [], false],
  ['"a b"', [], false],
  [`'${tag.slice(1, -1)}'`, [], false],
  ['"42-1767693004000"', [], false],
  ['"042-1767693004000.1"', [], false],
  ['"42-01767693004000.1"', [], false],
  ['"-42-1767693004000.1"', [], false],
  ['"42.0-1767693004000.1"', [], false],
  ['"42-1767693004000.1\x7f"', [], false],
  [`"${'9'.repeat(16)}-1.1"`, [], false],
  [`"1-${'9'.repeat(400)}.1"`, [], false]
]

t.test('a list of tags is read as RFC 9110 writes it, and what is none matches nothing', async (t) => {
  for (const [value, states, known] of values) {
    t.strictSame(statesOf(value), states, `If-Match: ${JSON.stringify(value)}`)
    t.equal(isKnown(value, tag), known, `If-None-Match: ${JSON.stringify(value)}`)
  }
})

t.test('a long header takes no longer than its length', async (t) => {
  for (const part of [' ', '\t', ',', '"', '"a', 'W/', '"a"', '"a",', ' "a" ,', '1-1.']) {
    const begin = performance.now()
    statesOf(`${part.repeat(100_000)}!`)
    // Milliseconds; what is tried again from each place takes minutes.
    t.ok(performance.now() - begin < 2000, JSON.stringify(part))
  }
})

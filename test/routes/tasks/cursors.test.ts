import t from 'tap'
import type { Task } from '../../../src/schemas/tasks.js'
import { startApp } from '../../helper.js'
import { cursorIn, filtersOf, firstPage as pageOf, withTasks } from '../../support/lists.js'
import { issues, withQuery } from '../../support/tasks.js'

const { signUp } = await startApp(t)

const { person: ada, tasks } = await withTasks(signUp, 'Ada', 21)

const filters = filtersOf(tasks)
const firstPage = async (query: object, person = ada) => pageOf(person, query)
const cursorOf = async (query: object = {}, person = ada) => cursorIn(person, query)

t.test('a cursor is for the filter it was made with, and never comes with an offset', async (t) => {
  const queries = filters.map(([query]) => query)
  for (const made of queries) {
    const cursor = await cursorOf(made)
    for (const used of queries) {
      const answer = await ada.call('GET', withQuery('/api/tasks', { ...used, cursor }))
      t.equal(answer.status, made === used ? 200 : 422, `made with ${JSON.stringify(made)}, used with ${JSON.stringify(used)}`)
      if (made !== used) t.strictSame(issues(answer).map(({ loc }) => loc), [['query', 'cursor']])
    }
    for (const offset of [0, 1]) {
      const answer = await ada.call('GET', withQuery('/api/tasks', { ...made, cursor, offset }))
      t.equal(answer.status, 422, `with offset ${offset}`)
      t.equal(issues(answer)[0]!.loc[0], 'query')
    }
  }
})

t.test("another user's cursor is a place in one's own list", async (t) => {
  const { person: grace, tasks: hers } = await withTasks(signUp, 'Grace', 3)
  // All of hers are newer than all of Ada's.
  t.match(await firstPage({ cursor: await cursorOf({}, grace) }), { tasks })
  t.match(await firstPage({ cursor: await cursorOf() }, grace), { tasks: [], next_cursor: null })
  t.match(await firstPage({}, grace), { tasks: hers, total: 3 })
})

t.test('text that is not a cursor is 422', async (t) => {
  const cursor = await cursorOf()
  const inside = Buffer.from(cursor, 'base64url').toString()
  const [filter, time, id] = inside.split('.') as [string, string, string]
  const written = (text: string) => Buffer.from(text).toString('base64url')
  t.equal(written([filter, time, id].join('.')), cursor)
  const last = cursor.at(-1)!
  // The next letter of the alphabet differs in the lowest bit; where the last letter carries spare bits, only in these.
  const spare = String.fromCharCode(last.charCodeAt(0) + 1)
  const texts = [
    '', '%00', '%ff', '%zz', 'null', 'a', '....', 'x'.repeat(2000), '%F0%9F%98%80', id, inside,
    cursor.toUpperCase(), cursor.toLowerCase(), `${cursor}=`, `${cursor}==`, `${cursor}A`, `${cursor}%0A`, `%20${cursor}`, cursor.slice(1), cursor.slice(0, -1),
    cursor + cursor, `${cursor.slice(0, 8)}.${cursor.slice(8)}`,
    ...(cursor.length % 4 === 0 ? [] : [cursor.slice(0, -1) + spare]),
    ...[
      inside.toUpperCase(), `${inside}\0`, `\0${inside}`, `${inside}\n`, `x.${time}.${id}`, `.${time}.${id}`, `${filter}${filter}.${time}.${id}`,
      `${filter}..${id}`, `${filter}.-1.${id}`, `${filter}.-${time}.${id}`, `${filter}.${time.toUpperCase()}.${id}`, `${filter}.0${time}.${id}`,
      // 10000-01-01, past what RFC 3339 can write; and past what a Date can hold.
      `${filter}.${(253_402_300_800_000).toString(36)}.${id}`, `${filter}.zzzzzzzzzzzz.${id}`, `${filter}.${'z'.repeat(300)}.${id}`, `${filter}.NaN.${id}`,
      `${filter}.${time}.`, `${filter}.${time}.${id.toUpperCase()}`, `${filter}.${time}.${id.replaceAll('-', '')}`, `${filter}.${time}.${id}0`,
      `${filter}.${time}.{${id}}`, `${filter}.${time}.${id.slice(0, -1)}g`, `${filter}.${time}`, `${filter}.${time}.${id}.${id}`
    ].map(written)
  ]
  for (const text of texts) {
    const answer = await ada.call('GET', `/api/tasks?cursor=${text}`)
    t.equal(answer.status, 422, text.slice(0, 60))
    t.strictSame(issues(answer).map(({ loc }) => loc), [['query', 'cursor']], text.slice(0, 60))
  }
})

t.test('whatever becomes of a cursor on its way, the answer is 422 or a part of the own list', async (t) => {
  const cursor = await cursorOf()
  const known = new Set(tasks.map(({ id }) => id))
  for (let at = 0; at < cursor.length; at++) {
    for (const letter of ['A', '0', '_', 'z']) {
      const { status, body } = await ada.call('GET', `/api/tasks?cursor=${cursor.slice(0, at)}${letter}${cursor.slice(at + 1)}`)
      const isPart = status === 200 && body.tasks.every(({ id }: Task) => known.has(id))
      t.ok(status === 422 || isPart, `${letter} at ${at}: ${status}`)
    }
  }
  const early = await ada.call('GET', `/api/tasks?cursor=${Buffer.from('a.0.00000000-0000-0000-0000-000000000000').toString('base64url')}`)
  t.match(early, { status: 200, body: { tasks: [], next_cursor: null } }, 'a place before all tasks')
})

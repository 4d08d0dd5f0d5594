import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { changesOf } from '../../src/repositories/owned-changes.js'
import { listenersTo, seenBy, type Listeners } from '../../src/sync/listeners.js'
import { EventStream } from '../../src/sync/stream.js'

/** Nobody asks it anything. */
const database = {} as Database

/** Those who listen to somebody, and have seen these changes. */
function listenersWho (owner: string, ...seen: number[]): Listeners {
  const all = listenersTo(changesOf(database, owner), Date.now, () => {})
  for (const revision of seen) {
    const stream = new EventStream(() => {}, Date.now)
    const seen = { revision, time: revision * 1000 }
    all.listeners.add({ stream, seen, isBehind: false, since: 0, until: Infinity, session: undefined, at: 0 })
  }
  return all
}

t.test('what those who listen have seen is asked for once each, a thousand owners at a time', (t) => {
  const owners = new Map<string, Listeners>()
  const add = (...seen: number[]) => {
    const owner = randomUUID()
    owners.set(owner, listenersWho(owner, ...seen))
    return owner
  }
  const nobody = add()
  const [same, different] = [add(7, 7, 7), add(8, 9)]
  for (let n = 0; n < 2500; n++) add(n)
  const questions = [...seenBy(owners)]
  t.strictSame(questions.map(({ length }) => length), [1000, 1000, 503])
  const of = (owner: string) => questions.flat().filter((known) => known.owner === owner)
  t.strictSame(of(nobody), [])
  t.strictSame(of(same), [{ owner: same, revision: 7, time: 7000 }])
  t.strictSame(of(different), [8, 9].map((revision) => ({ owner: different, revision, time: revision * 1000 })))
  t.equal(new Set(questions.flat().map(({ owner }) => owner)).size, 2502)
  t.strictSame([...seenBy(new Map([[nobody, owners.get(nobody)!]]))], [], 'and nothing, when there is nothing to ask')
  t.end()
})

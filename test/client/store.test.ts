import t from 'tap'
import { localStorageStore, type Tokens } from '../../client/src/index.js'
import { have, haveEvents } from './page.js'

const tokens: Tokens = {
  access_token: 'access',
  refresh_token: 'refresh',
  renewed_at: 1,
  expires_at: 2,
  refresh_expires_at: 3,
  user: { id: '01a1f8b6-49ed-701d-abc0-daa9eff03e43', email: 'ada@example.com', name: 'Ada', created_at: '', email_verified: true }
}
const later: Tokens = { ...tokens, refresh_token: 'next' }

function refuse (name: string): never { throw new DOMException('not here', name) }

/** What a page keeps, as far as it may. */
function storageOf (kept = new Map<string, string>(), { isFull = false, isClosed = false } = {}) {
  const may = { isFull, isClosed }
  const storage = {
    getItem: (key: string) => may.isClosed ? refuse('SecurityError') : kept.get(key) ?? null,
    setItem (key: string, value: string) {
      if (may.isFull || may.isClosed) refuse('QuotaExceededError')
      kept.set(key, value)
    },
    removeItem: (key: string) => may.isClosed ? refuse('SecurityError') : kept.delete(key)
  }
  return { may, kept, storage }
}

t.test('the tokens are where all tabs find them', async (t) => {
  const { kept, storage } = storageOf()
  have(t, 'localStorage', () => storage)
  const [one, other] = [localStorageStore('mine'), localStorageStore('mine')]
  t.equal(await one.get(), null)
  await one.set(tokens)
  t.strictSame(await other.get(), tokens)
  t.strictSame([...kept.keys()], ['mine'])
  t.equal(await localStorageStore().get(), null, 'under a name of their own')
  await other.set(null)
  t.equal(await one.get(), null)
  t.equal(kept.size, 0)
})

const places: Array<[where: string, found: () => unknown]> = [
  ['there is no place for them', () => undefined],
  ['the page may not look at it', () => refuse('SecurityError')],
  ['the page may not use it', () => closed],
  ['it is full', () => full],
  ['it is full, of earlier ones', () => fullOfEarlier]
]
const closed = storageOf(undefined, { isClosed: true }).storage
const full = storageOf(undefined, { isFull: true }).storage
const fullOfEarlier = storageOf(new Map([['todo-backend', JSON.stringify(later)]]), { isFull: true }).storage

for (const [where, found] of places) {
  t.test(`where ${where}, the page itself keeps the tokens`, async (t) => {
    have(t, 'localStorage', found)
    const [one, other] = [localStorageStore(), localStorageStore()]
    await one.set(tokens)
    t.strictSame(await one.get(), tokens)
    t.not((await other.get())?.refresh_token, 'refresh', 'for nobody else')
    await one.set(null)
    t.equal(await one.get(), null)
  })
}

t.test('tokens that could not be kept for all tabs are again, once they can be', async (t) => {
  const { may, storage } = storageOf(undefined, { isFull: true })
  have(t, 'localStorage', () => storage)
  const [one, other] = [localStorageStore(), localStorageStore()]
  await one.set(tokens)
  t.equal(await other.get(), null)
  may.isFull = false
  await one.set(later)
  t.strictSame(await other.get(), later)
  may.isClosed = true
  t.equal(await one.get(), null, 'and none are left behind in the page')
})

t.test('what an earlier front end has kept under the same name is no login', async (t) => {
  for (const text of ['', 'no JSON', 'null', '[]', '{}', '"text"', '1', '{"access_token":"a","refresh_token":"b"}', '{"access_token":"a","user":{"id":"c"}}']) {
    const { storage } = storageOf(new Map([['todo-backend', text]]))
    have(t, 'localStorage', () => storage)
    const store = localStorageStore()
    t.equal(await store.get(), null, text)
    await store.set(tokens)
    t.strictSame(await store.get(), tokens)
  }
})

t.test('whoever watches is told what other tabs write, and what is cleared', (t) => {
  localStorageStore('mine').watch!(() => t.fail('nobody writes where there are no tabs'))
  const events = haveEvents(t)
  let told = 0
  localStorageStore('mine').watch!(() => { told++ })
  for (const [key, times] of [['mine', 1], ['other', 1], [null, 2]] as const) {
    events.dispatchEvent(Object.assign(new Event('storage'), { key }))
    t.equal(told, times)
  }
  t.end()
})

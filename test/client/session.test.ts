import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createTodoClient, memoryStore, unwrap, type LoggedOutReason } from '../../client/src/index.js'
import { PASSWORD } from '../helper.js'
import { until } from '../support/until.js'
import { startApi } from './api.js'

const { baseUrl, member, sql } = await startApi(t)

const REFRESH = 'POST /api/auth/refresh'

/** An error answer of the API. */
const answer = (status: number, detail: string) => Response.json({ detail, status_code: status }, { status })

const refreshes = (asked: string[]) => asked.filter((one) => one === REFRESH).length

t.test('a login begins a session, whose tokens are in the store', async (t) => {
  const { todo, user, kept, asked } = await member()
  const tokens = await kept()
  t.match(tokens, { access_token: String, refresh_token: String, user })
  t.equal(tokens.expires_at - tokens.renewed_at, 1_800_000)
  const days = (tokens.refresh_expires_at - tokens.renewed_at) / 86_400_000
  t.ok(days > 29.9 && days <= 30, `it ends in ${days} days`)
  t.strictSame(JSON.parse(JSON.stringify(tokens)), tokens)
  t.strictSame(await unwrap(todo.me()), user)
  t.strictSame(asked, ['GET /api/auth/me'])
})

for (const isKnown of [true, false]) {
  t.test(`50 requests with a token that has expired, ${isKnown ? 'as' : 'which'} the clock ${isKnown ? 'says' : 'does not say'}, make one refresh`, async (t) => {
    const { todo, kept, expire, asked, told } = await member()
    await expire(isKnown)
    const before = await kept()
    const requests = Array.from({ length: 50 }, async (_, n) => n % 10 ? todo.me() : todo.tasks.create({ title: `Task ${n}` }))
    t.strictSame((await Promise.all(requests)).filter(({ ok }) => !ok), [])
    t.equal(refreshes(asked), 1)
    t.not((await kept()).refresh_token, before.refresh_token)
    const { tasks } = await unwrap(todo.tasks.list())
    t.strictSame(tasks.map(({ title }) => title).sort(), ['Task 0', 'Task 10', 'Task 20', 'Task 30', 'Task 40'], 'with their bodies')
    t.strictSame(told, [])
  })
}

t.test('a token is renewed before it expires, and nobody waits for it', async (t) => {
  const { todo, kept, store, asked, way } = await member()
  const tokens = await kept()
  await store.set({ ...tokens, renewed_at: Date.now() - 1_780_000, expires_at: Date.now() + 20_000 })
  let isBusy = true
  way.treat = async ({ url }) => {
    await until('the refresh may go on', () => !isBusy || !url.endsWith('refresh'))
    return null
  }
  t.equal((await todo.me()).status, 200)
  t.equal((await todo.me()).status, 200)
  isBusy = false
  await until('the tokens are new', async () => (await kept()).refresh_token !== tokens.refresh_token)
  t.equal(refreshes(asked), 1)
})

t.test('a renewal in good time that fails is left alone for a while', async (t) => {
  const { todo, kept, store, asked, told, way } = await member()
  await store.set({ ...await kept(), expires_at: Date.now() + 20_000 })
  for (const fails of [async () => answer(429, 'Too many requests'), async () => { throw new TypeError('no network') }]) {
    const other = createTodoClient({
      baseUrl,
      store,
      fetch: async (request) => { asked.push(`${request.method} ${new URL(request.url).pathname}`); return request.url.endsWith('refresh') ? await fails() : fetch(request) }
    })
    asked.length = 0
    for (let n = 0; n < 5; n++) t.equal((await other.me()).status, 200)
    t.ok(refreshes(asked) <= 2, 'one, and what repeats a lost answer')
  }
  way.treat = async () => null
  t.equal((await todo.me()).status, 200)
  t.strictSame(told, [])
})

t.test('a token that lives for seconds is not renewed again and again, and a clock that is wrong by hours makes no loop', async (t) => {
  for (const ages of [{ renewed_at: 0, expires_at: 20_000 }, { renewed_at: 7_200_000, expires_at: 9_000_000 }]) {
    const { todo, kept, store, asked } = await member()
    const now = Date.now()
    await store.set({ ...await kept(), renewed_at: now + ages.renewed_at, expires_at: now + ages.expires_at })
    for (let n = 0; n < 3; n++) t.equal((await todo.me()).status, 200)
    t.equal(refreshes(asked), 0)
  }
  const { todo, kept, store, asked } = await member()
  // It was put forward by hours after the login.
  await store.set({ ...await kept(), renewed_at: 0, expires_at: 1 })
  for (let n = 0; n < 3; n++) t.equal((await todo.me()).status, 200)
  t.equal(refreshes(asked), 1)
})

t.test('429, 503, an answer of another program and no answer are no logout', async (t) => {
  const { todo, kept, expire, told, way } = await member()
  await expire(true)
  const before = await kept()
  const failures: Array<[what: () => Response, expected: object]> = [
    [() => answer(429, 'Too many requests'), { status: 429, body: { detail: 'Too many requests' } }],
    [() => answer(503, 'Service unavailable'), { status: 503 }],
    [() => answer(500, 'Internal server error'), { status: 500 }],
    [() => new Response('<h1>Bad gateway</h1>', { status: 502 }), { name: 'TodoApiError', status: 502 }],
    [() => new Response('<h1>Welcome to the hotel</h1>'), { name: 'TodoApiError', status: 200 }],
    [() => answer(401, 'Log in to this proxy'), { status: 401, body: { detail: 'Log in to this proxy' } }],
    [() => { throw new TypeError('no network') }, { name: 'TypeError', message: 'no network' }]
  ]
  for (const [what, expected] of failures) {
    way.treat = async ({ url }) => url.endsWith('refresh') ? what() : null
    const results = await Promise.all([1, 2].map(async () => todo.tasks.list().catch((error: unknown) => error)))
    t.match(results, [expected, expected])
  }
  t.strictSame(await kept(), before)
  way.treat = async () => null
  t.equal((await todo.tasks.list()).status, 200, 'and when the server is back, so is the person')
  t.strictSame(told, [])
})

t.test('a renewal whose answer was lost is asked again with the same token', async (t) => {
  const { todo, expire, asked, told, way } = await member()
  for (const isCutInTheMiddle of [false, true]) {
    await expire(true)
    asked.length = 0
    way.treat = async (request) => {
      if (!request.url.endsWith('refresh')) return null
      const real = await fetch(request)
      way.treat = async () => null
      if (!isCutInTheMiddle) throw new TypeError('terminated')
      return new Response(new ReadableStream({ start: (controller) => { controller.error(new TypeError('terminated')) } }), real)
    }
    t.equal((await todo.me()).status, 200)
    t.equal(refreshes(asked), 2)
  }
  await expire(true)
  // Twice in a row: this request fails, the next one asks again.
  let lost = 0
  way.treat = async (request) => {
    if (!request.url.endsWith('refresh') || lost === 2) return null
    await fetch(request)
    lost++
    throw new TypeError('terminated')
  }
  await t.rejects(todo.me(), { message: 'terminated' })
  t.equal((await todo.me()).status, 200)
  t.strictSame(told, [])
})

t.test('a token that another tab has replaced meanwhile is taken from the store', async (t) => {
  const { todo, kept, store, asked, way } = await member()
  const old = await kept()
  const other = createTodoClient({ baseUrl, store })
  way.treat = async (request) => {
    way.treat = async () => null
    // Another tab renews, and the old access token ends, while this request is on its way.
    await store.set({ ...old, expires_at: 0 })
    await other.me()
    request.headers.set('Authorization', 'Bearer a.b.c')
    return null
  }
  t.equal((await todo.me()).status, 200)
  t.equal(refreshes(asked), 0)
})

t.test('a session that has ended elsewhere is over, and this is told once', async (t) => {
  const { todo, kept, store, asked, told, credentials } = await member()
  const elsewhere = createTodoClient({ baseUrl })
  await unwrap(elsewhere.logIn(credentials))
  await unwrap(elsewhere.sessions.endAll({ exceptCurrent: true }))
  const results = await Promise.all(Array.from({ length: 10 }, async () => todo.me()))
  t.match(results, Array(10).fill({ status: 401, body: { detail: 'Invalid authentication credentials' } }))
  t.equal(await store.get(), null)
  t.strictSame(told, ['ended'])
  t.equal(refreshes(asked), 1)
  t.match(await todo.me(), { status: 401, body: { detail: 'Not authenticated' } })
  await unwrap(todo.logIn(credentials))
  t.equal((await todo.me()).status, 200)
  await sql('delete from todo.users where email = $1', [credentials.email])
  await store.set({ ...await kept(), expires_at: 0 })
  t.equal((await todo.me()).status, 401)
  t.strictSame(told, ['ended', 'ended'], 'and of the next session once more')
})

t.test('a logout ends the session here and on the server, with an access token that has expired as well', async (t) => {
  for (const isExpired of [false, true]) {
    const { todo, kept, expire, store, told } = await member()
    const tokens = await kept()
    if (isExpired) await expire(true)
    t.equal((await todo.logOut()).status, 204)
    t.equal(await store.get(), null)
    t.match(await todo.me(), { status: 401, body: { detail: 'Not authenticated' } })
    const thief = createTodoClient({ baseUrl, store: memoryStore({ ...tokens, expires_at: 0 }) })
    t.equal((await thief.me()).status, 401)
    t.strictSame(told, [], 'whoever logs out need not be told')
    t.equal((await todo.logOut()).status, 401, 'nobody is logged in')
  }
})

t.test('a logout without a network is one here', async (t) => {
  const { todo, store, told, way } = await member()
  way.treat = async () => { throw new TypeError('no network') }
  await t.rejects(todo.logOut(), { message: 'no network' })
  t.equal(await store.get(), null)
  t.strictSame(told, [])
})

t.test('a renewal that is under way while somebody logs out or in brings nobody back', async (t) => {
  const { todo, kept, expire, store, way } = await member()
  await expire(true)
  way.treat = async (request) => {
    if (!request.url.endsWith('refresh')) return null
    way.treat = async () => null
    await todo.logOut()
    return await fetch(request)
  }
  t.equal((await todo.me()).status, 401)
  t.equal(await store.get(), null)

  const ada = await member()
  const { credentials, user } = await member()
  await ada.expire(true)
  ada.way.treat = async (request) => {
    if (!request.url.endsWith('refresh')) return null
    ada.way.treat = async () => null
    await unwrap(ada.todo.logIn(credentials))
    return await fetch(request)
  }
  const created = await ada.todo.tasks.create({ title: "Ada's" })
  t.equal(created.status, 401, "what one person wanted is not done in another's name")
  t.strictSame((await ada.kept()).user, user)
  t.strictSame((await unwrap(ada.todo.tasks.list())).tasks, [])
  t.strictSame(await kept().catch(() => null), null)
})

t.test('whoever shares a store is told that another has logged out, or logged in as somebody else', async (t) => {
  const ada = await member()
  const { credentials } = await member()
  const told: LoggedOutReason[] = []
  const tab = createTodoClient({ baseUrl, store: ada.store, onLoggedOut: (reason) => { told.push(reason) } })
  t.equal((await tab.me()).status, 200)
  await ada.todo.logOut()
  for (let n = 0; n < 2; n++) t.equal((await tab.me()).status, 401)
  t.strictSame(told, ['elsewhere'])

  await unwrap(ada.todo.logIn(ada.credentials))
  t.equal((await tab.me()).status, 200, 'and in again, as the same person')
  await unwrap(ada.todo.logIn(credentials))
  t.match(await tab.tasks.create({ title: "Ada's" }), { status: 401 }, "nothing is done in another's name")
  t.strictSame(told, ['elsewhere', 'replaced'])
  t.match(await tab.me(), { status: 200, body: { email: credentials.email } }, 'once it is told, it is known')
})

t.test('a request that waits for a renewal can be aborted, and the others still get it', async (t) => {
  const { todo, expire, asked, way } = await member()
  await expire(true)
  const controller = new AbortController()
  way.treat = async ({ url }) => {
    if (!url.endsWith('refresh')) return null
    controller.abort()
    await new Promise((resolve) => { setImmediate(resolve) })
    return null
  }
  const [aborted, result] = await Promise.allSettled([todo.me({ signal: controller.signal }), todo.me()])
  t.match(aborted, { status: 'rejected', reason: { name: 'AbortError' } })
  t.match(result, { value: { status: 200 } })
  t.equal(refreshes(asked), 1)
})

t.test("a token of the caller's own is sent as it is, in an Authorization header or as `token`", async (t) => {
  const { todo, kept, credentials, user, store } = await member()
  const authorization = `Bearer ${(await kept()).access_token}`
  const { todo: grace } = await member()
  t.strictSame((await grace.api.GET('/api/auth/me', { headers: { authorization } })).data, user)
  const own = createTodoClient({ baseUrl, token: (await kept()).access_token, store: memoryStore() })
  await unwrap(own.logIn(credentials))
  t.strictSame(await unwrap(own.me()), user)
  t.equal((await own.logOut()).status, 204)
  t.equal((await own.me()).status, 401, 'it keeps no session')
  t.equal((await todo.me()).status, 401)
  t.equal(await store.get(), null)
  await t.resolves(todo.signUp({ email: `${randomUUID()}@example.com`, password: PASSWORD, name: 'Eve' }))
})

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createTodoClient, TodoApiError, unwrap, type Task, type WalkQuery } from '../../client/src/index.js'
import { PASSWORD } from '../helper.js'
import { rejection, startApi } from './api.js'

const { app, baseUrl, member, person, sql } = await startApi(t)

/** The token of a login that was over a second ago. */
const expired = (sub: string) => app.jwt.present.sign({ sub, iat: 1, exp: Math.floor(Date.now() / 1000) - 1 })

/** The whole of a walk. */
async function all (tasks: AsyncIterable<Task>): Promise<Task[]> {
  const found = []
  for await (const task of tasks) found.push(task)
  return found
}

const titles = (tasks: Task[]) => tasks.map(({ title }) => title)

t.test('a front end signs up and logs in without a token, and is somebody with one', async (t) => {
  const session: { token?: string } = {}
  const todo = createTodoClient({ baseUrl: `${baseUrl}/`, token: async () => session.token })
  const email = `grace-${randomUUID()}@example.com`

  const signedUp = await todo.signUp({ email, password: PASSWORD, name: 'Grace' })
  if (signedUp.status !== 201) throw new TodoApiError(signedUp)
  t.match(signedUp.body, { email, name: 'Grace', id: String, created_at: String })
  t.equal(signedUp.response.headers.get('location'), '/api/auth/me')
  t.equal((await todo.me()).status, 401)

  const login = await unwrap(todo.logIn({ email, password: PASSWORD }))
  t.match(login, { token_type: 'bearer', expires_in: 1800, user: signedUp.body })
  session.token = login.access_token
  t.strictSame(await unwrap(todo.me()), signedUp.body)
  t.strictSame(await unwrap(createTodoClient({ baseUrl, token: login.access_token }).me()), signedUp.body)
})

t.test('tasks are created, read, listed, changed, completed, reopened and deleted', async (t) => {
  const { todo, user } = await person()
  const created = await todo.tasks.create({ title: 'Buy milk', description: 'Two litres' })
  t.match(created, { ok: true, status: 201, body: { title: 'Buy milk', description: 'Two litres', is_completed: false, user_id: user.id } })
  const milk = await unwrap(created)
  const bread = await unwrap(todo.tasks.create({ title: 'Buy bread' }))
  t.equal(bread.description, null)

  t.strictSame(await unwrap(todo.tasks.get(milk.id)), milk)
  t.strictSame(await unwrap(todo.tasks.list()), { tasks: [bread, milk], total: 2, limit: 50, offset: 0, next_cursor: null })
  const changed = await unwrap(todo.tasks.update(milk.id, { title: 'Buy oat milk' }))
  t.match(changed, { id: milk.id, title: 'Buy oat milk', description: null })
  t.equal((await unwrap(todo.tasks.complete(milk.id))).is_completed, true)
  t.equal((await unwrap(todo.tasks.complete(milk.id))).is_completed, true, 'a repeated call changes nothing')
  t.strictSame(titles((await unwrap(todo.tasks.list({ is_completed: true }))).tasks), ['Buy oat milk'])
  t.equal((await unwrap(todo.tasks.complete(milk.id, false))).is_completed, false)

  const removed = await todo.tasks.remove(milk.id)
  t.match(removed, { ok: true, status: 204, body: undefined })
  t.equal((await todo.tasks.get(milk.id)).status, 404)
})

t.test('a task is patched, in the state that was read and in no other', async (t) => {
  const { todo } = await person()
  const created = await todo.tasks.create({ title: 'Buy milk', description: 'Two litres', due_date: '2026-12-24' })
  const { id } = await unwrap(created)
  const ifMatch = created.response.headers.get('etag')!
  const patched = await todo.tasks.patch(id, { title: 'Buy oat milk', due_date: null }, { ifMatch })
  t.match(patched, { status: 200, body: { title: 'Buy oat milk', description: 'Two litres', due_date: null } })
  const now = patched.response.headers.get('etag')!
  for (const late of [
    todo.tasks.patch(id, { title: 'Too late' }, { ifMatch }), todo.tasks.update(id, { title: 'Too late' }, { ifMatch }),
    todo.tasks.complete(id, true, { ifMatch }), todo.tasks.remove(id, { ifMatch })
  ]) {
    const { status, body, response } = await late
    t.strictSame([status, body], [412, { detail: 'Precondition failed', status_code: 412 }])
    t.equal(response.headers.get('etag'), now, 'which says the present state')
  }
  t.strictSame(await unwrap(todo.tasks.get(id)), patched.body)
  const updated = await todo.tasks.update(id, { title: 'Buy bread' }, { ifMatch: now })
  const completed = await todo.tasks.complete(id, true, { ifMatch: updated.response.headers.get('etag')! })
  t.match(completed, { status: 200, body: { title: 'Buy bread', is_completed: true } })
  t.equal((await todo.tasks.remove(id, { ifMatch: completed.response.headers.get('etag')! })).status, 204)
})

t.test('a creation that is sent again with its key is one task', async (t) => {
  const { todo } = await person()
  const settings = { idempotencyKey: randomUUID() }
  const first = await todo.tasks.create({ title: 'Buy milk' }, settings)
  const again = await todo.tasks.create({ title: 'Buy milk' }, settings)
  t.strictSame(again.body, first.body)
  t.strictSame([first, again].map(({ response }) => response.headers.get('idempotency-replayed')), [null, 'true'])
  t.equal((await unwrap(todo.tasks.list())).total, 1)
  t.match(await todo.tasks.create({ title: 'Buy bread' }, settings), { status: 422, body: { detail: [{ type: 'value_error.idempotency_key' }] } })
})

t.test('a creation whose answer is lost is sent again, and is one task', async (t) => {
  const { todo, asked, way } = await member()
  const created = 'POST /api/tasks'
  let lose = 0
  const keys: Array<string | null> = []
  way.treat = async (request) => {
    if (request.method !== 'POST') return null
    keys.push(request.headers.get('idempotency-key'))
    if (lose-- <= 0) return null
    const answer = await fetch(request)
    if (lose % 2 === 0) throw new TypeError('terminated')
    return new Response('<h1>Bad gateway</h1>', { status: 502, headers: answer.headers })
  }
  for (const settings of [{}, { idempotencyKey: 'my-own' }]) {
    keys.length = 0
    lose = 2
    t.match(await todo.tasks.create({ title: 'Buy milk' }, settings), { status: 201, body: { title: 'Buy milk' } })
    t.equal(new Set(keys).size, 1)
    t.match(keys, [settings.idempotencyKey ?? /^[0-9a-f]{32}$/, String, String])
  }
  t.equal((await unwrap(todo.tasks.list())).total, 2)

  lose = 100
  await t.rejects(todo.tasks.create({ title: 'Buy bread' }), { message: /terminated|502/ }, 'not for ever')
  t.equal(asked.filter((one) => one === created).length, 3 + 3 + 4)
  t.equal((await unwrap(todo.tasks.list())).total, 3)
  const controller = new AbortController()
  setTimeout(() => { controller.abort() }, 100)
  await t.rejects(todo.tasks.create({ title: 'Buy eggs' }, { signal: controller.signal }), { name: 'AbortError' }, 'and not against one\'s will')
})

t.test('tasks are searched, sorted and picked by their due dates, in a list and in a walk', async (t) => {
  const { todo } = await person()
  for (const [title, due] of [['Milk', '2026-12-24'], ['Bread', null], ['Oat MILK', '2026-12-01'], ['Eggs', '2027-01-01']] as const) {
    await unwrap(todo.tasks.create({ title, due_date: due }))
  }
  const cases: Array<[query: WalkQuery, expected: string[]]> = [
    [{ sort: 'due_date' }, ['Oat MILK', 'Milk', 'Eggs', 'Bread']],
    [{ sort: 'created_at' }, ['Milk', 'Bread', 'Oat MILK', 'Eggs']],
    [{ q: 'milk' }, ['Oat MILK', 'Milk']],
    [{ due_after: '2026-12-02', due_before: '2026-12-31' }, ['Milk']]
  ]
  for (const [query, expected] of cases) {
    t.strictSame(titles((await unwrap(todo.tasks.list(query))).tasks), expected)
    t.strictSame(titles(await all(todo.tasks.walk({ ...query, limit: 1 }))), expected)
  }
})

t.test('a list is paged by offset, with the total, and by cursor', async (t) => {
  const { todo } = await person()
  for (const title of ['1', '2', '3']) await unwrap(todo.tasks.create({ title }))
  const byOffset = await unwrap(todo.tasks.list({ limit: 2, offset: 1 }))
  t.strictSame([titles(byOffset.tasks), byOffset.total], [['2', '1'], 3])
  const { next_cursor: cursor } = await unwrap(todo.tasks.list({ limit: 2 }))
  const last = await unwrap(todo.tasks.list({ limit: 2, cursor: cursor! }))
  t.strictSame([titles(last.tasks), last.next_cursor], [['1'], null])
})

t.test('a walk returns all tasks, newest first, of one filter and page by page', async (t) => {
  const { todo, session } = await person()
  for (let n = 0; n < 7; n++) {
    const { id } = await unwrap(todo.tasks.create({ title: String(n) }))
    if (n % 2) await unwrap(todo.tasks.complete(id))
  }
  t.strictSame(titles(await all(todo.tasks.walk())), ['6', '5', '4', '3', '2', '1', '0'])
  t.strictSame(titles(await all(todo.tasks.walk({ is_completed: true, limit: 2 }))), ['5', '3', '1'])
  t.strictSame(titles(await all((await person('Eve')).todo.tasks.walk())), [])

  const requests: string[] = []
  const counted = createTodoClient({
    baseUrl,
    token: session.token,
    fetch: async (request) => {
      requests.push(new URL(request.url).search)
      return fetch(request)
    }
  })
  for await (const { title } of counted.tasks.walk({ is_completed: false, limit: 2 })) if (title === '2') break
  t.match(requests, [/^\?is_completed=false&limit=2$/, /^\?is_completed=false&limit=2&cursor=\w+/], 'and asks for no page that nobody wants')
  t.equal(requests.length, 2)
})

t.test('a walk returns every task that exists throughout once, while others are created and deleted', async (t) => {
  const { todo } = await person()
  const made = []
  for (let n = 0; n < 20; n++) made.push(await unwrap(todo.tasks.create({ title: `old ${n}` })))
  const gone = new Set<string>()
  const seen: Task[] = []
  for await (const task of todo.tasks.walk({ limit: 3 })) {
    seen.push(task)
    await unwrap(todo.tasks.create({ title: `new ${seen.length}` }))
    // The task just seen and one still to come.
    for (const victim of [task, made[seen.length]!]) {
      if (seen.length % 4 === 0 && !gone.has(victim.id)) {
        gone.add(victim.id)
        await unwrap(todo.tasks.remove(victim.id))
      }
    }
  }
  const ids = seen.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length, 'none twice')
  const survivors = made.filter(({ id }) => !gone.has(id))
  t.ok(gone.size >= 6 && survivors.length >= 6)
  t.strictSame(survivors.filter(({ id }) => !ids.includes(id)), [], 'none left out')
  t.strictSame(titles(seen).filter((title) => title.startsWith('new')), [], 'and none that came later')
})

t.test('an expired token is a 401 everywhere, and the same client works again after a login', async (t) => {
  const { todo, credentials, user, session } = await person()
  const { id } = await unwrap(todo.tasks.create({ title: 'Buy milk' }))
  const fresh = session.token
  session.token = expired(user.id)
  const answers = [
    await todo.me(), await todo.tasks.list(), await todo.tasks.create({ title: 'x' }), await todo.tasks.get(id),
    await todo.tasks.update(id, { title: 'x' }), await todo.tasks.patch(id, {}), await todo.tasks.complete(id), await todo.tasks.remove(id)
  ]
  for (const { status, body, response } of answers) {
    t.strictSame({ status, body }, { status: 401, body: { detail: 'Invalid authentication credentials', status_code: 401 } })
    t.equal(response.headers.get('www-authenticate'), 'Bearer error="invalid_token"')
  }
  session.token = (await unwrap(todo.logIn(credentials))).access_token
  t.strictSame(titles(await all(todo.tasks.walk())), ['Buy milk'])

  session.token = fresh
  await unwrap(todo.tasks.create({ title: 'Buy bread' }))
  const walk = todo.tasks.walk({ limit: 1 })
  t.equal((await walk.next()).done, false)
  session.token = expired(user.id)
  t.match(await rejection(walk.next()), { status: 401 }, 'in the middle of a walk')
})

t.test('a user who was deleted is nobody, to the client too', async (t) => {
  const { todo, user } = await person()
  await sql('delete from todo.users where id = $1', [user.id])
  t.equal((await todo.me()).status, 401)
  t.equal((await todo.tasks.create({ title: 'x' })).status, 401)
})

t.test('every request can be aborted', async (t) => {
  const { todo, credentials } = await person()
  const settings = { signal: AbortSignal.abort() }
  const id = randomUUID()
  const requests: Array<Promise<unknown>> = [
    todo.signUp({ ...credentials, name: 'Ada' }, settings), todo.logIn(credentials, settings), todo.me(settings), todo.tasks.list({}, settings),
    todo.tasks.create({ title: 'x' }, settings), todo.tasks.get(id, settings), todo.tasks.update(id, { title: 'x' }, settings),
    todo.tasks.patch(id, {}, settings),
    todo.tasks.complete(id, true, settings), todo.tasks.remove(id, settings), todo.tasks.walk({}, settings).next()
  ]
  for (const request of requests) await t.rejects(request, { name: 'AbortError' })
})

t.test('the raw client has the same token and every other path', async (t) => {
  const { todo, user } = await person()
  const path = { user_id: user.id }
  const { data } = await todo.api.POST('/api/{user_id}/tasks', { params: { path }, body: { title: 'Buy milk' } })
  t.equal(data?.title, 'Buy milk')
  t.strictSame((await todo.api.GET('/ready')).data, { status: 'ready' })
})

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { PASSWORD, startApp } from '../helper.js'
import { account, entrance, issuesIn, newEmail } from '../support/signup.js'

const { call, signUp, sql } = await startApp(t)
const { signup, login } = entrance(call)

t.test('a person signs up and gets the account, without a trace of the password', async (t) => {
  const { status, headers, body, text } = await call('POST', '/api/auth/signup', {
    body: { email: ' Grace@Example.COM\t', password: PASSWORD, name: 'Grace' }
  })
  t.equal(status, 201)
  t.match(body, {
    email: 'grace@example.com', name: 'Grace', id: /^[0-9a-f-]{36}$/, created_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
  })
  t.strictSame(Object.keys(body).sort(), ['created_at', 'email', 'email_verified', 'id', 'name'])
  t.equal(headers.location, '/api/auth/me')
  t.equal(headers['cache-control'], 'no-store')
  t.notMatch(text, /password|argon2/)
})

t.test('a person logs in, gets a token, and reads the same account with it', async (t) => {
  const given = account({ name: '  Ada Lovelace ' })
  const { body: created } = await signup(given)
  const { status, headers, body } = await login({ email: given.email, password: PASSWORD })
  t.equal(status, 200)
  const { access_token: access, refresh_token: refresh, refresh_expires_in: days } = body
  t.strictSame(body, {
    access_token: access, token_type: 'bearer', expires_in: 1800, refresh_token: refresh, refresh_expires_in: days, user: created
  })
  t.equal(Math.ceil(days / 3600), 30 * 24)
  t.equal(headers['cache-control'], 'no-store')
  const me = await call('GET', '/api/auth/me', { token: body.access_token })
  t.equal(me.status, 200)
  t.strictSame(me.body, created)
  t.equal(me.headers['cache-control'], 'no-store')
  const head = await call('HEAD', '/api/auth/me', { token: body.access_token })
  t.strictSame([head.status, head.text, head.headers['cache-control']], [200, '', 'no-store'])
  t.equal(head.headers['content-length'], me.headers['content-length'])
})

t.test('a token on signup and login is not looked at', async (t) => {
  const given = account()
  t.equal((await call('POST', '/api/auth/signup', { body: given, token: 'bad' })).status, 201)
  t.equal((await call('POST', '/api/auth/login', { body: { email: given.email, password: PASSWORD }, token: 'bad' })).status, 200)
})

t.test('ids sort by creation, and what is stored is what is shown', async (t) => {
  const created = []
  const before = new Date().toISOString()
  for (let i = 0; i < 5; i++) created.push((await signup(account())).body)
  const ids = created.map(({ id }) => id)
  t.strictSame([...ids].sort(), ids)
  for (const { id, created_at: time, email, name } of created) {
    t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'a UUIDv7')
    t.ok(time >= before && time <= new Date().toISOString(), 'in UTC')
    const stored = await sql('select email, name, created_at = $2::timestamptz as same from todo.users where id = $1', [id, time])
    t.strictSame(stored, [{ email, name, same: true }])
  }
})

t.test('an account refuses an unknown query parameter', async (t) => {
  const { token } = await signUp()
  t.strictSame(issuesIn((await call('GET', '/api/auth/me?colour=red', { token })).body), ['query.colour value_error.extra'])
})

t.test('whether an email is taken is looked at last', async (t) => {
  const { email } = await signUp()
  t.equal((await signup(account({ email, name: '' }))).status, 422)
  t.equal((await signup(account({ email }))).status, 409)
})

t.test('a failed login says what a failed login says, and asks for a token as every 401 does', async (t) => {
  const { email } = await signUp()
  for (const who of [email, newEmail()]) {
    const { status, headers, body } = await login({ email: who, password: 'not the password' })
    t.equal(status, 401)
    t.strictSame(body, { detail: 'Invalid email or password', status_code: 401 })
    t.equal(headers['www-authenticate'], 'Bearer')
  }
})

t.test('fifty signups for one email at once make one account', async (t) => {
  const email = 'race@example.com'
  const answers = await Promise.all(Array.from({ length: 50 }, async () =>
    call('POST', '/api/auth/signup', { body: { email, password: PASSWORD, name: 'Race' } })))
  t.equal(answers.filter(({ status }) => status === 201).length, 1)
  for (const { status, body } of answers) {
    if (status !== 201) t.strictSame(body, { detail: 'Email already exists', status_code: 409 })
  }
  t.strictSame(await sql('select count(*)::int as n from todo.users where email = $1', [email]), [{ n: 1 }])
})

t.test('the database keeps the rules of an account by itself', async (t) => {
  const good = { id: randomUUID(), email: newEmail(), name: 'Ada', hash: 'x' }
  const insert = async (changed: Record<string, unknown>) =>
    sql('insert into todo.users (id, email, name, password_hash) values ($1, $2, $3, $4)', Object.values({ ...good, ...changed }))
  await insert({})
  const fresh = () => ({ id: randomUUID(), email: newEmail() })
  const { email: taken } = good
  for (const wrong of [
    { email: taken }, { id: good.id }, { email: 'Upper@example.com' }, { email: 'x'.repeat(256) },
    { name: '' }, { name: 'x'.repeat(101) }, { id: null }, { email: null }, { name: null }, { hash: null }
  ]) await t.rejects(insert({ ...fresh(), ...wrong }), JSON.stringify(wrong))
  await insert({ ...fresh(), email: 'x'.repeat(255), name: '🦊'.repeat(100) })
})

t.test('a user who was deleted is nobody, on every protected route', async (t) => {
  const [gone, other] = [await signUp(), await signUp('Bob')]
  const [own, foreign] = [await gone.add('Buy milk'), await other.add('Buy oat milk')]
  await gone.add('Buy bread')
  const { body: { next_cursor: cursor } } = await gone.call('GET', '/api/tasks?limit=1')
  await sql('delete from todo.users where id = $1', [gone.id])
  // Somebody else may take the email; the old token is not theirs.
  t.equal((await signup(account({ email: gone.email }))).status, 201)
  const calls: Array<[string, string, unknown?]> = [['GET', '/api/auth/me'], ['HEAD', '/api/auth/me']]
  for (const tasks of ['/api/tasks', `/api/${gone.id}/tasks`]) {
    for (const query of ['', '?offset=1', '?is_completed=true', `?cursor=${cursor}`, `?limit=1&cursor=${cursor}`]) {
      calls.push(['GET', `${tasks}${query}`])
    }
    calls.push(['HEAD', tasks], ['POST', tasks, { title: 'Buy milk' }])
    for (const id of [own.id, foreign.id, randomUUID()]) {
      const task = `${tasks}/${id}`
      calls.push(['GET', task], ['HEAD', task], ['PUT', task, { title: 'Mine' }], ['DELETE', task])
      calls.push(['PATCH', `${task}/complete`, { is_completed: true }], ['PATCH', `${task}/complete`])
    }
  }
  for (const [method, url, body] of calls) {
    const answer = await gone.call(method, url, { body })
    t.equal(answer.status, 401, `${method} ${url}`)
    t.equal(answer.headers['www-authenticate'], 'Bearer error="invalid_token"')
    if (method !== 'HEAD') t.strictSame(answer.body, { detail: 'Invalid authentication credentials', status_code: 401 })
  }
  t.strictSame((await other.call('GET', `/api/tasks/${foreign.id}`)).body, foreign, 'the task of the other is as it was')
})

t.test('what carries a token or an account is not stored, tasks are private, and every 201 says where', async (t) => {
  const ada = await signUp()
  for (const tasks of ['/api/tasks', `/api/${ada.id}/tasks`]) {
    const created = await ada.call('POST', tasks, { body: { title: 'Buy milk' } })
    t.equal(created.headers.location, `${tasks}/${created.body.id}`)
    t.strictSame((await ada.call('GET', String(created.headers.location))).body, created.body)
    const task = `${tasks}/${created.body.id}`
    const answers = [
      created, await ada.call('GET', tasks), await ada.call('GET', task), await ada.call('HEAD', task),
      await ada.call('PUT', task, { body: { title: 'Buy oat milk' } }), await ada.call('PATCH', `${task}/complete`),
      await ada.call('DELETE', task)
    ]
    for (const { status, headers } of answers) t.equal(headers['cache-control'], 'private, no-cache', String(status))
  }
})

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import t from 'tap'
import type { Session } from '../../../src/schemas/accounts.js'
import type { LoginAnswer } from '../../../src/schemas/auth.js'
import { PASSWORD, startApp } from '../../helper.js'
import { DAY, isIn, logIn, refresh, sessionOf } from '../../support/accounts.js'

let clock = Date.now()
const { app, call, signUp, sql, db } = await startApp(t, { now: () => clock })
const REFUSED = { detail: 'Invalid authentication credentials', status_code: 401 }
const list = async (token: string): Promise<Session[]> => (await call('GET', '/api/auth/sessions', { token })).body.sessions

t.test('a person sees where they are logged in, last used first', async (t) => {
  const ada = await signUp()
  clock += 1000
  const phone = await logIn(call, ada.email, { agent: 'Phone \u00e9' })
  clock += 1000
  const long = await logIn(call, ada.email, { agent: `\u0085Long\u0080${'x'.repeat(300)}` })
  clock += 1000
  const renewed = (await refresh(call, phone.refresh_token)).body
  const sessions = await list(long.access_token)
  t.strictSame(sessions.map(({ id }) => id), [phone.access_token, long.access_token, ada.token].map(sessionOf))
  t.strictSame(sessions.map(({ is_current: is }) => is), [false, true, false])
  t.match(sessions.map(({ user_agent: agent }) => agent), ['Phone \u00e9', `Long${'x'.repeat(196)}`, 'lightMyRequest'])
  const [{ created_at: created, last_used_at: used, expires_at: expires }] = sessions as [Session]
  t.equal(Date.parse(used) - Date.parse(created), 2000)
  t.equal(Date.parse(expires) - Date.parse(used), 30 * DAY)
  t.ok(Math.abs(renewed.refresh_expires_in - 30 * 86_400) <= 1)
  t.equal((await call('GET', '/api/auth/sessions?colour=red', { token: ada.token })).status, 422)
})

t.test('a client that does not say what it is has a session without a user agent', async (t) => {
  const ada = await signUp()
  await app.listen({ host: '127.0.0.1', port: 0 })
  const headers = { 'content-type': 'application/json' }
  const login = request({ host: '127.0.0.1', port: (app.server.address() as AddressInfo).port, method: 'POST', path: '/api/auth/login', headers, agent: false })
  login.end(JSON.stringify({ email: ada.email, password: PASSWORD }))
  const [answer] = await once(login, 'response')
  const { access_token: token } = await json(answer) as LoginAnswer
  t.equal((await list(token)).find(({ is_current: is }) => is)!.user_agent, null)
})

t.test('an account that goes while somebody logs in has no session, and they are told so', async (t) => {
  const ada = await signUp()
  await sql(`create function todo.leave() returns trigger language plpgsql as $$ begin
    delete from todo.users where id = new.owner_id; return new; end $$`)
  await sql('create trigger leave before insert on todo.sessions for each row execute function todo.leave()')
  const { status, body } = await call('POST', '/api/auth/login', { body: { email: ada.email, password: PASSWORD } })
  await sql('drop function todo.leave cascade')
  t.strictSame([status, body], [401, { detail: 'Invalid email or password', status_code: 401 }])
})

t.test('a session that breaks another rule of the database is a bug, and said to be one', async (t) => {
  const ada = await signUp()
  await sql('alter table todo.sessions add constraint none check (generation < 0) not valid')
  const { status } = await call('POST', '/api/auth/login', { body: { email: ada.email, password: PASSWORD } })
  await sql('alter table todo.sessions drop constraint none')
  t.equal(status, 500)
})

t.test('logging out ends this session: its tokens are 401 at once, others go on', async (t) => {
  const ada = await signUp()
  const here = await logIn(call, ada.email)
  const { status, text, headers } = await call('POST', '/api/auth/logout', { token: here.access_token, body: { is: 'ignored' } })
  t.strictSame([status, text, headers['clear-site-data']], [204, '', '"cache"'])
  t.strictSame((await call('GET', '/api/auth/me', { token: here.access_token })).body, REFUSED)
  t.strictSame((await call('POST', '/api/auth/logout', { token: here.access_token })).body, REFUSED)
  t.equal((await refresh(call, here.refresh_token)).status, 401)
  t.ok(await isIn(call, ada.token))
})

t.test('one session, all others, or all are ended', async (t) => {
  const ada = await signUp()
  const bob = await signUp('Bob')
  const [one, two, three] = [await logIn(call, ada.email), await logIn(call, ada.email), await logIn(call, ada.email)]
  const del = async (path: string, token = ada.token) => (await call('DELETE', `/api/auth/sessions${path}`, { token })).status
  t.equal(await del(`/${sessionOf(one.access_token).toUpperCase()}`), 204)
  t.notOk(await isIn(call, one.access_token))
  for (const gone of [sessionOf(one.access_token), sessionOf(bob.token), randomUUID()]) {
    const { status, body } = await call('DELETE', `/api/auth/sessions/${gone}`, { token: ada.token })
    t.strictSame([status, body], [404, { detail: 'Session not found', status_code: 404 }])
  }
  t.equal(await del('/42'), 422)
  t.ok(await isIn(call, bob.token))
  t.equal(await del('?except_current=true'), 204)
  const tokens = [ada.token, two.access_token, three.access_token]
  t.strictSame(await Promise.all(tokens.map(async (token) => isIn(call, token))), [true, false, false])
  t.equal(await del('?except_current=yes'), 422)
  t.equal(await del(''), 204)
  t.notOk(await isIn(call, ada.token))
  t.strictSame(await list((await logIn(call, ada.email)).access_token).then((all) => all.length), 1)
})

t.test('a session ends when it is idle for too long, or too old; no access token outlives it', async (t) => {
  const settings = { SESSION_IDLE_DAYS: '2', SESSION_MAX_DAYS: '5' }
  const there = await startApp(t, { database: db, settings, now: () => clock })
  const { email } = await there.signUp()
  let tokens = await logIn(there.call, email)
  t.equal(Math.ceil(tokens.refresh_expires_in / 3600), 48)
  for (const [later, hours] of [[2 * DAY - 1, 48], [2 * DAY - 1, 24], [DAY, 1]] as const) {
    clock += later
    const { status, body } = await refresh(there.call, tokens.refresh_token)
    t.equal(status, 200)
    tokens = body
    t.equal(Math.ceil(tokens.refresh_expires_in / 3600), hours, 'hours until the earlier of both')
  }
  clock += 2
  t.equal((await refresh(there.call, tokens.refresh_token)).status, 401, 'five days are over')
  const idle = await logIn(there.call, email)
  clock += 2 * DAY
  t.equal((await refresh(there.call, idle.refresh_token)).status, 401, 'two days without a use')
  t.strictSame((await there.call('GET', '/api/auth/sessions', { token: idle.access_token })).body.sessions, [], 'neither is listed')
  t.equal((await there.call('DELETE', `/api/auth/sessions/${sessionOf(idle.access_token)}`, { token: idle.access_token })).status, 404)
})

t.test('an access token lives no longer than its session', async (t) => {
  const old = await startApp(t, { database: db, settings: { SESSION_MAX_DAYS: '1' }, now: () => Date.now() - DAY + 600_000 })
  const { email } = await old.signUp()
  const { expires_in: seconds } = await logIn(old.call, email)
  t.ok(seconds > 590 && seconds <= 600, `${seconds} s`)
})

t.test('the hundred and first session takes the place of the oldest, whose access token goes on until it expires', async (t) => {
  const ada = await signUp()
  const first = await logIn(call, ada.email)
  await sql(`insert into todo.sessions (owner_id, id, password_version, created_at, last_used_at)
    select $1, gen_random_uuid(), 0, $2::timestamptz + n * interval '1 ms', $2::timestamptz + n * interval '1 ms' from generate_series(1, 98) n`, [ada.id, new Date(clock).toISOString()])
  clock += 1000
  t.equal((await list(ada.token)).length, 100)
  const last = await logIn(call, ada.email)
  clock += 1000
  await logIn(call, ada.email)
  const sessions = await list(last.access_token)
  t.equal(sessions.length, 100)
  t.strictSame(sessions.slice(0, 2).map(({ is_current: is }) => is), [false, true])
  t.ok(await isIn(call, first.access_token), 'as clients that log in each time expect')
  t.equal((await refresh(call, first.refresh_token)).status, 401)
  t.equal((await call('POST', '/api/auth/logout', { token: first.access_token })).status, 204)
  t.notOk(await isIn(call, first.access_token), 'but it can log out')
})

t.test('a token of version 1.0 has no session: it works, is current nowhere, and its logout ends nothing', async (t) => {
  const { app } = await startApp(t, { database: db })
  const ada = await signUp()
  const legacy = app.jwt.present.sign({ sub: ada.id, email: ada.email, exp: Math.floor(Date.now() / 1000) + 600 })
  t.ok(await isIn(call, legacy))
  t.strictSame((await list(legacy)).map(({ is_current: is }) => is), [false])
  t.equal((await call('POST', '/api/auth/logout', { token: legacy })).status, 204)
  t.ok(await isIn(call, ada.token))
  t.ok(await isIn(call, legacy))
  t.equal((await call('DELETE', '/api/auth/sessions?except_current=true', { token: legacy })).status, 204)
  t.notOk(await isIn(call, ada.token))
  const change = { current_password: PASSWORD, new_password: 'longer than eight' }
  t.equal((await call('PUT', '/api/auth/me/password', { token: legacy, body: change })).status, 204)
  t.ok(await isIn(call, legacy))
  t.equal((await call('POST', '/api/auth/me/delete', { token: legacy, body: { password: 'longer than eight' } })).status, 204)
  for (const [method, path, body] of [
    ['GET', 'me'], ['PATCH', 'me', { name: 'Eve' }], ['PUT', 'me/password', { current_password: PASSWORD, new_password: 'longer than eight' }],
    ['PUT', 'me/email', { email: 'eve@example.com', password: PASSWORD }], ['POST', 'me/delete', { password: PASSWORD }], ['GET', 'me/export'],
    ['POST', 'email-verification'], ['GET', 'sessions'], ['DELETE', 'sessions'], ['DELETE', `sessions/${randomUUID()}`], ['POST', 'logout']
  ] as Array<[string, string, object?]>) {
    t.strictSame((await call(method, `/api/auth/${path}`, { token: legacy, body })).body, REFUSED, `${method} ${path} of an account that is gone`)
  }
})

t.test('an access token lives a day at most, which the log says once', async (t) => {
  const there = await startApp(t, { database: db, settings: { ACCESS_TOKEN_EXPIRE_MINUTES: '525600' } })
  t.equal((await logIn(there.call, (await there.signUp()).email)).expires_in, 86_400)
})

import { inspect } from 'node:util'
import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { ConstraintViolation, DatabaseUnavailable, DatabaseUnfit, ForeignAnswer, QueryFailed } from '../../src/db/errors.js'
import { PASSWORD, startApp } from '../helper.js'
import { connectTo, createDatabase, serverUrl, sqlOn } from '../support/database.js'
import { memberOf } from '../support/first-version.js'
import { teardown } from '../support/teardown.js'
import { postgresServer } from '../support/wire.js'

const server = await postgresServer(t)
const database = connectTo(server.url, { DATABASE_POOL_SIZE: '2' })
teardown(t, async () => { await database.close() })
const main = await startApp(t, { database })
await database.start()
const { call, sql } = main

t.test('the label says where the database is, without credentials', async (t) => {
  for (const url of ['postgres://ada:s3cret@db.example:5433/todo?password=s3cret', 'postgresql://ada:s3cret@db.example:5433/todo']) {
    t.equal(connectTo(url).label, 'PostgreSQL at db.example:5433/todo')
  }
})

t.test('its defaults come from the connection string too', async (t) => {
  const named = connectTo(`${server.url}?application_name=mine&connection_limit=1`)
  await named.start()
  t.strictSame(await sqlOn(named)('show application_name'), [{ application_name: 'mine' }])
  await named.close()
})

t.test('it says how busy its connections are', async (t) => {
  const there = connectTo(server.url, { DATABASE_POOL_SIZE: '2' })
  t.strictSame(there.load(), { max: 2, open: 0, used: 0, statements: 0, waiting: 0 })
  await there.start()
  const many = Promise.all(Array.from({ length: 5 }, async () => there.ping()))
  const { statements, used, waiting } = there.load()
  t.equal(statements, 5)
  t.ok(used <= 2 && (used > 0 || waiting === 5))
  await many
  t.match(there.load(), { max: 2, used: 0, statements: 0, waiting: 0 })
  t.ok([1, 2].includes(there.load().open))
  await there.close()
  t.equal(there.load().open, 0)
})

t.test('the five stories work over postgres.js', async (t) => {
  const ada = await memberOf(main, 'Ada')
  const eve = await memberOf(main, 'Eve')
  t.strictSame((await ada.call('GET', '/api/auth/me')).body, ada.user)
  t.equal((await call('POST', '/api/auth/signup', { body: { email: ada.email, password: PASSWORD, name: 'Ada' } })).status, 409)
  const title = 'Grüße 👩‍👩‍👧 مرحبا e\u0301 \'";--'
  const first = await ada.add(title, '\n\t\\')
  const second = await ada.add('Second')
  t.match(first, { title, description: '\n\t\\', is_completed: false, user_id: ada.id, created_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ })
  const page = (await ada.call('GET', '/api/tasks?limit=1')).body
  t.match(page, { tasks: [second], total: 2, limit: 1, offset: 0 })
  t.strictSame((await ada.call('GET', `/api/tasks?limit=1&cursor=${page.next_cursor}`)).body, { tasks: [first], limit: 1, next_cursor: null })
  t.strictSame((await ada.call('GET', `/api/tasks/${first.id}`)).body, first)
  t.match((await ada.call('PUT', `/api/tasks/${first.id}`, { body: { title: 'New' } })).body, { title: 'New', description: null })
  t.match((await ada.call('PATCH', `/api/${ada.id}/tasks/${first.id}/complete`)).body, { is_completed: true })
  t.match((await ada.call('GET', '/api/tasks?is_completed=true')).body, { total: 1, tasks: [{ id: first.id }] })
  t.equal((await eve.call('DELETE', `/api/tasks/${first.id}`)).status, 403)
  t.equal((await ada.call('DELETE', `/api/tasks/${first.id}`)).status, 204)
  t.equal((await ada.call('GET', `/api/tasks/${first.id}`)).status, 404)
})

t.test('a statement runs in UTC, with a time limit, and says whose it is, whatever the server prefers', async (t) => {
  await sql("do $$ begin execute format('alter database %I set timezone = ''Asia/Kolkata''', current_database()); end $$")
  const other = connectTo(server.url)
  await other.start()
  t.teardown(async () => { await other.close() })
  const show = async (name: string, of = other) => (await sqlOn(of)(`show ${name}`))[0]
  t.strictSame(await show('statement_timeout'), { statement_timeout: '2s' })
  const patient = connectTo(server.url, { DATABASE_STATEMENT_TIMEOUT: '7000' })
  await patient.start()
  t.strictSame(await show('statement_timeout', patient), { statement_timeout: '7s' })
  await patient.close()
  t.strictSame(await show('application_name'), { application_name: 'todo-backend' })
  const [time] = await sqlOn(other)("select '2026-01-06 10:30:00.05+00'::timestamptz as at")
  t.strictSame(time, { at: '2026-01-06T10:30:00.050Z' })
})

/** What a session prefers, and would be wrong here. */
const PREFERENCES = {
  DateStyle: 'German',
  TimeZone: 'Asia/Kolkata',
  search_path: 'nowhere',
  client_encoding: 'LATIN1',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  statement_timeout: '1',
  IntervalStyle: 'iso_8601',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  standard_conforming_strings: 'off'
}

t.test('what a database, a role or the connection string prefers changes nothing', { skip: !serverUrl && 'the embedded database has one role' }, async (t) => {
  const as = (query: string) => connectTo(`${server.url}?${query}`)
  const { pathname } = new URL(server.url)
  const options = Object.entries(PREFERENCES).map(([name, value]) => `-c ${name}=${value.replace(' ', '\\ ')}`).join(' ')
  const role = await sql<{ name: string }>('select current_user as name')
  const alter = async (what: string) => {
    for (const [name, value] of Object.entries(PREFERENCES)) await sql(`alter ${what} set ${name} = '${value}'`)
  }
  const inDatabase = `role "${role[0]!.name}" in database "${pathname.slice(1)}"`
  const ways: Array<[name: string, database: () => Database, set: () => Promise<unknown>, reset: () => Promise<unknown>]> = [
    ['the options', () => as(`options=${encodeURIComponent(options)}`), async () => {}, async () => {}],
    ['the parameters', () => as(new URLSearchParams(PREFERENCES).toString()), async () => {}, async () => {}],
    ['the database', () => as(''), async () => alter(`database "${pathname.slice(1)}"`), async () => sql(`alter database "${pathname.slice(1)}" reset all`)],
    ['the role', () => as(''), async () => alter(inDatabase), async () => sql(`alter ${inDatabase} reset all`)]
  ]
  const person = await memberOf(main)
  const task = await person.add('Über')
  for (const [name, open, set, reset] of ways) {
    await set()
    const other = open()
    t.teardown(async () => { await other.close() })
    await other.start()
    for (const preference of Object.keys(PREFERENCES)) {
      const [row] = await sqlOn(other)<{ is: string }>(`select current_setting('${preference}') as is`)
      t.not(row!.is.replace(/ms$/, ''), PREFERENCES[preference as keyof typeof PREFERENCES], `${name}: ${preference}`)
    }
    const there = await startApp(t, { database: other })
    t.strictSame((await there.call('GET', `/api/tasks/${task.id}`, { token: person.token })).body, task, name)
    t.equal((await there.call('POST', '/api/tasks', { token: person.token, body: { title: 'ü' } })).status, 201, name)
    const page = (await there.call('GET', '/api/tasks?limit=1', { token: person.token })).body
    t.equal((await there.call('GET', `/api/tasks?cursor=${page.next_cursor}`, { token: person.token })).status, 200, name)
    await reset()
  }
})

t.test('a database that cannot keep every character is refused with one line', { skip: !serverUrl && 'the embedded database is UTF8' }, async (t) => {
  for (const encoding of ['SQL_ASCII', 'LATIN1']) {
    const { url, drop } = await createDatabase(serverUrl!, encoding)
    const narrow = connectTo(url)
    await t.rejects(narrow.start(), new DatabaseUnfit(`its encoding is ${encoding} and has to be UTF8`))
    await narrow.close()
    await drop()
  }
})

t.test('a time that is written in another way is taken for nobody\'s, never for another time', async (t) => {
  const other = connectTo(server.url, { DATABASE_POOL_SIZE: '1' })
  await other.start()
  for (const style of ['German', 'SQL', 'Postgres']) {
    const text = `select set_config('datestyle', '${style}', false), now() as at`
    await t.rejects(other.run({ name: 'test', text, bind: () => [], echo: {}, answersAlways: false }),
      new ForeignAnswer('test'), style)
  }
  await other.close()
})

t.test('a refused statement is told apart, and tells nothing of its values', async (t) => {
  const { id, email } = await memberOf(main)
  const user = "insert into todo.users (id, email, name, password_hash) values (gen_random_uuid(), $1, $2, 'x')"
  const task = 'insert into todo.tasks (id, owner_id, title) values (gen_random_uuid(), $1, $2)'
  const cases = [
    ['a taken email', user, [email, 'Marker'], new ConstraintViolation('unique', 'test', 'users_email_key')],
    ['an absent owner', task, ['00000000-0000-7000-8000-000000000000', 'Marker'], new ConstraintViolation('foreign key', 'test', 'tasks_owner_id_fkey')],
    ['a title that is too long', task, [id, 'Marker'.repeat(99)], { constructor: QueryFailed, message: /^test failed with 22001 \(\w+\)$/ }],
    ['a name that is empty', user, ['marker@example.com', ''], { constructor: QueryFailed, message: /^test failed with 23514 \(users, \w+\)$/ }],
    ['a name that is null', user, ['marker@example.com', null], { constructor: QueryFailed, message: /^test failed with 23502 \(users, name, \w+\)$/ }],
    ['a value of another type', task, ['marker', 'Marker'], { constructor: QueryFailed, message: /^test failed with 22P02 \(\w+\)$/ }],
    ['an unknown table', 'select * from nowhere where x = $1', ['marker'], { constructor: QueryFailed, message: /^test failed with 42P01 \(\w+\)$/ }]
  ] as const
  for (const [name, text, values, expected] of cases) {
    const error: unknown = await sql(text, [...values]).catch((error: unknown) => error)
    t.match(error, expected, name)
    t.notMatch(inspect(error, { depth: 9, showHidden: true }), /marker/i, `${name}: no value`)
  }
})

t.test('a statement that a deadlock or another transaction has undone is repeated once', async (t) => {
  await sql('create table attempts (times int)')
  await sql('create sequence tries')
  await sql(`create function fail (code text, times int) returns text language plpgsql as $$
    begin
      insert into attempts values (1);
      if nextval('tries') <= times then raise exception using errcode = code; end if;
      return 'done';
    end $$`)
  const attempt = async (code: string, times: number) => {
    await sql('alter sequence tries restart')
    return await sql('select fail($1, $2)', [code, times])
  }
  for (const code of ['40P01', '40001']) {
    t.strictSame(await attempt(code, 1), [{ fail: 'done' }], `${code} once`)
    await t.rejects(attempt(code, 2), new DatabaseUnavailable(code), `${code} twice`)
  }
  await t.rejects(attempt('57014', 1), new DatabaseUnavailable('57014'), 'what may have been done is not')
  t.strictSame(await sql('select count(*)::int as n from attempts'), [{ n: 2 }], 'and nothing is done twice')
})

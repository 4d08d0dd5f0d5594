import { randomUUID } from 'node:crypto'
import t from 'tap'
import { PASSWORD, startApp } from '../helper.js'

const { call, signUp, sql } = await startApp(t)

const newEmail = () => `${randomUUID()}@example.com`
const account = (changed: object = {}) => ({ email: newEmail(), password: PASSWORD, name: 'Ada', ...changed })
const signup = async (body: unknown) => call('POST', '/api/auth/signup', { body })
const login = async (body: unknown) => call('POST', '/api/auth/login', { body })
/** The broken rules that an answer lists, if it does. */
const issues = ({ detail }: { detail: string | Array<{ loc: string[], type: string }> }) =>
  Array.isArray(detail) ? detail.map(({ loc, type }) => `${loc.join('.')} ${type}`).sort() : []
const users = async () => (await sql<{ n: number }>('select count(*)::int as n from todo.users'))[0]!.n

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

const WHITE_SPACE = [
  ...'\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006',
  ...'\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'
]
const domain = (length: number) => `${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(length - 132)}.com`
const address = (local: number, whole: number) => `${randomUUID().padEnd(local, 'x')}@${domain(whole - local - 1)}`
const longest = address(64, 255)

// As it is sent, and as it is stored.
const goodEmails: Array<[string, string, string?]> = [
  ['64 characters before the @', address(64, 200)], ['255 characters', address(64, 255)],
  ...WHITE_SPACE.map((space): [string, string, string] => {
    const email = newEmail()
    return [`U+${space.charCodeAt(0).toString(16)} around it`, `${space.repeat(2)}${email}${space}`, email]
  }),
  ['255 characters in much white space', ` \r\n${longest}${'\t'.repeat(9000)}`, longest],
  ['upper case', 'UPPER.Case@EXAMPLE.Com', 'upper.case@example.com'],
  ['every character of an atom', "a!#$%&'*+/=?^_`{|}~-09@example.com"], ['dots', 'a.b.c@a.b.c.d'], ['digits', '1@1.2'],
  ['hyphens in the domain', 'a@x--y.a-b.c-d'], ['a label of 63', `a@${'d'.repeat(63)}.com`]
]

t.test('an email of any right form works, is stored trimmed and in lower case, and logs in however it is typed', async (t) => {
  for (const [what, sent, stored = sent] of goodEmails) {
    const { status, body } = await signup(account({ email: sent }))
    t.equal(status, 201, what)
    t.equal(body.email, stored, what)
    for (const typed of [stored, sent, ` ${stored.toUpperCase()}\n`]) {
      t.equal((await login({ email: typed, password: PASSWORD })).body.user?.id, body.id, `${what}, logging in`)
    }
    const again = await signup(account({ email: `${stored.toUpperCase()} ` }))
    t.strictSame(again.body, { detail: 'Email already exists', status_code: 409 }, `${what}, taken`)
  }
})

const emailForm = 'value_error.email'
const badEmails: Array<[string, string, string]> = [
  ['65 characters before the @', address(65, 200), emailForm], ['256 characters', address(64, 256), 'value_error.str.max_length'],
  ['a label of 64', `a@${'d'.repeat(64)}.com`, emailForm],
  ...[
    '', ' ', '\t\n', 'ada', '@', 'ada@', '@example.com', 'ada@localhost', 'ada@@example.com', 'a@b@example.com',
    '.ada@example.com', 'ada.@example.com', 'a..da@example.com', 'a da@example.com', 'ada @example.com', 'ada@ example.com',
    'ada@example .com', 'ada@example.com\nbob@example.com', 'a\tda@example.com', 'ada@.example.com', 'ada@example..com',
    'ada@example.com.', 'ada@-example.com', 'ada@example-.com', 'ada@exa_mple.com', 'ada@example.c_m', 'ada@[127.0.0.1]',
    'ada@example.com:25', '"ada"@example.com', 'Ada <ada@example.com>', 'mailto:ada@example.com',
    'ada@example.com,bob@example.com',
    ...[...'"(),:;<>[\\]'].map((special) => `a${special}da@example.com`),
    'ädä@example.com', 'ada@exämple.com', 'ada@例え.jp', '🦊@example.com', 'e\u0301@example.com', 'ada@example\u3002com',
    'ada\uff20example.com',
    // Not ASCII, though the lower case of the first is: as that, it would be somebody else's address.
    '\u212aate@example.com', 'ada@\u212a.com', 'a\u017fa@example.com', '\u0130@example.com',
    // Neither is white space for Unicode, though JavaScript's trim takes the first.
    '\ufeffada@example.com', 'ada@example.com\u200b',
    'a\u0000da@example.com', 'ada@example.com\u0000', '\ud800@example.com', 'ada@example.com\udfff', 'ada@\ud800.com'
  ].map((email): [string, string, string] => [JSON.stringify(email), email, emailForm])
]

const tooShort = 'value_error.str.min_length'
const tooLong = 'value_error.str.max_length'
const pattern = 'value_error.str.pattern'

// Texts with these are no texts: PostgreSQL cannot store the one, UTF-8 cannot write the others.
const brokenTexts = (start: string): Array<[string, string, string]> =>
  ['\u0000', `${start}\u0000`, `\u0000${start}`, `${start}\ud800`, `${start}\udfff`, `\ud83d${start}`, `${start}\udd8a\ud83e`]
    .map((text) => [JSON.stringify(text), text.padEnd(9, 'x'), pattern])

const badPasswords: Array<[string, string, string]> = [
  ['empty', '', tooShort], ['7 characters', 'secret7', tooShort], ['7 emoji', '🦊'.repeat(7), tooShort],
  ['7 with combining', 'e\u0301e\u0301e\u0301e', tooShort],
  ['129 characters', 's'.repeat(129), tooLong], ['129 emoji', '🦊'.repeat(129), tooLong],
  ['129 that NFC would shorten', `${'e\u0301'.repeat(64)}e`, tooLong],
  ...brokenTexts('secret')
]

const badNames: Array<[string, string, string]> = [
  ['empty', '', tooShort], ['101 characters', 'n'.repeat(101), tooLong], ['101 emoji', '🦊'.repeat(101), tooLong],
  ['101 with combining', `${'e\u0301'.repeat(50)}e`, tooLong],
  ['101 with spaces', `n${' '.repeat(100)}`, tooLong],
  ...WHITE_SPACE.map((space): [string, string, string] => [`U+${space.charCodeAt(0).toString(16)} alone`, space, pattern]),
  ['all white space', WHITE_SPACE.join(''), pattern], ['100 spaces', ' '.repeat(100), pattern],
  ...brokenTexts('Ada')
]

for (const [field, values] of Object.entries({ email: badEmails, password: badPasswords, name: badNames })) {
  t.test(`a signup with a wrong ${field} says so and makes nobody`, async (t) => {
    const before = await users()
    for (const [what, value, type] of values) {
      const { status, body, text } = await signup(account({ [field]: value }))
      t.equal(status, 422, what)
      t.match(body.detail, [{ loc: ['body', field], type }], what)
      t.notMatch(issues(body).join(), new RegExp(`body\\.(?!${field})`), 'nothing else is wrong')
      const written = JSON.stringify(value).slice(1, -1)
      if (field === 'password' && written) t.notOk(text.includes(written), 'the password is not returned')
    }
    t.equal(await users(), before)
  })
}

t.test('a login with a malformed email is refused by the same rule', async (t) => {
  for (const [what, email, type] of badEmails) {
    const { status, body } = await login({ email, password: PASSWORD })
    t.equal(status, 422, what)
    t.match(body.detail, [{ loc: ['body', 'email'], type }], what)
  }
})

t.test('a name comes back byte for byte, in up to 100 characters', async (t) => {
  const names = [
    'n', 'n'.repeat(100), '🦊'.repeat(100), 'e\u0301'.repeat(50), ` ${'n'.repeat(98)} `, '\tAda\n', 'Ада', 'עדה',
    'مرحبا \u202eabc', '👩\u200d👩\u200d👧\u200d👦', '\u00c5\u212bA\u030a', '\ufeffAda', '\u200b', '\u0001', '\uffff', '\u{10ffff}',
    '<b>&amp;"\\/\u2028', "'; drop table users; --", '__proto__', '%00', '\\u0000', 'null'
  ]
  for (const name of names) {
    const given = account({ name })
    const { status, body: { name: shown } } = await signup(given)
    t.equal(status, 201, encodeURI(name))
    t.equal(shown, name)
    const { body } = await login({ email: given.email, password: PASSWORD })
    t.equal(body.user.name, name)
    t.equal((await call('GET', '/api/auth/me', { token: body.access_token })).body.name, name)
  }
})

t.test('a password has 8 to 128 characters, counted as sent', async (t) => {
  const shortest = ['8 chars.', '🦊'.repeat(8), 'e\u0301'.repeat(4)]
  for (const password of [...shortest, 'x'.repeat(128), '🦊'.repeat(128), 'e\u0301'.repeat(64), '\u1e69'.repeat(128)]) {
    const given = account({ password })
    t.equal((await signup(given)).status, 201, `${[...password].length} of ${password.slice(0, 2)}`)
    t.equal((await login({ email: given.email, password })).status, 200)
  }
})

const fields = { signup: ['email', 'password', 'name'], login: ['email', 'password'] }

for (const [route, names] of Object.entries(fields)) {
  const send = async (body: unknown, query = '') => call('POST', `/api/auth/${route}${query}`, { body })
  const full: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, account()[name as 'name']]))

  t.test(`a ${route} needs each of its fields, each a text`, async (t) => {
    for (const name of names) {
      const { [name]: _left, ...rest } = full
      t.strictSame(issues((await send(rest)).body), [`body.${name} value_error.missing`])
      for (const value of [null, 12345678, 0, true, ['ada@example.com'], { $ne: '' }]) {
        const { status, body } = await send({ ...full, [name]: value })
        t.equal(status, 422)
        t.strictSame(issues(body), [`body.${name} type_error.string`], `${name}: ${JSON.stringify(value)}`)
      }
    }
    t.strictSame(issues((await send({})).body), names.map((name) => `body.${name} value_error.missing`).sort(), 'all are listed')
  })

  t.test(`a ${route} refuses what it does not know, by name`, async (t) => {
    const unknown = ['id', 'is_admin', 'Email', 'password_hash', 'created_at', 'constructor', 'toString']
    for (const name of [...unknown, '', 'a.b', 'a/b~c', '\u0000', '\ud800', '🦊']) {
      const { status, body } = await send({ ...full, [name]: 'x' })
      t.equal(status, 422, JSON.stringify(name))
      t.match(body.detail, [{ loc: ['body', name], type: 'value_error.extra' }])
      t.equal(body.detail.length, 1)
    }
    const proto = await send(`${JSON.stringify(full).slice(0, -1)},"__proto__":{"x":1}}`)
    t.strictSame(issues(proto.body), ['body.__proto__ value_error.extra'])
    const inherited = await send(`{"__proto__":${JSON.stringify(full)}}`)
    t.ok(issues(inherited.body).includes('body.email value_error.missing'), 'nothing is inherited')
    t.strictSame(issues((await send(full, '?colour=red')).body), ['query.colour value_error.extra'])
  })

  t.test(`a ${route} is one JSON object`, async (t) => {
    for (const body of [null, 'text', 1, true, [], [full]]) {
      const answer = await send(JSON.stringify(body))
      t.equal(answer.status, 422)
      t.strictSame(issues(answer.body), ['body type_error.object'], JSON.stringify(body))
    }
    t.equal((await send(undefined)).status, 422, 'no body')
    t.equal((await send(JSON.stringify(full).slice(0, -1))).status, 400)
    t.equal((await send(Buffer.from(JSON.stringify(full)).fill(0xff, 3, 4))).status, 400, 'no UTF-8')
    t.equal((await send({ ...full, filler: 'x'.repeat(65536) })).status, 413)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    t.equal((await call('POST', `/api/auth/${route}`, { body: 'email=a', headers })).status, 415)
  })
}

t.test('an account refuses an unknown query parameter', async (t) => {
  const { token } = await signUp()
  t.strictSame(issues((await call('GET', '/api/auth/me?colour=red', { token })).body), ['query.colour value_error.extra'])
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

import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { PASSWORD, startApp, type Answer, type CallOptions } from '../helper.js'
import { logIn } from '../support/accounts.js'
import { endpoints, pathOf, type Endpoint } from '../support/endpoints.js'
import { exchange, listen, request } from '../support/raw.js'

const { app, call, signUp, sql } = await startApp(t, {
  prepare (app) {
    const querystring = { type: 'object', properties: { n: { type: 'integer', multipleOf: 2 } } }
    app.get('/even', { schema: { hide: true, querystring } }, async ({ query }) => query)
  }
})
const ada = await signUp()
const task = await ada.add('Buy milk')
const { refresh_token: refreshToken } = await logIn(call, ada.email)

const bodied = endpoints.filter(({ body }) => body)
const send = (endpoint: Endpoint, options: CallOptions) => ada.call(endpoint.method, pathOf(endpoint, ada.id, task.id), options)
const nameOf = ({ method, path }: Endpoint) => `${method} ${path}`

/** A body that its route takes. */
function goodBody ({ body }: Endpoint): Record<string, unknown> {
  const email = `${randomUUID()}@example.com`
  return {
    SignupRequest: { email, password: PASSWORD, name: 'Ada' },
    LoginRequest: { email: ada.email, password: PASSWORD },
    RefreshRequest: { refresh_token: refreshToken },
    ProfileChange: { name: 'Ada' },
    EmailChange: { email, password: PASSWORD },
    PasswordChange: { current_password: PASSWORD, new_password: PASSWORD },
    PasswordResetRequest: { email },
    PasswordReset: { token: 'x', new_password: PASSWORD },
    EmailConfirmation: { token: 'x' },
    AccountDeletion: { password: 'not the password' },
    TaskCreate: { title: 'Buy milk' },
    TaskUpdate: { title: 'Buy milk' },
    TaskPatch: { title: 'Buy milk' },
    TaskCompletion: { is_completed: false }
  }[body!]!
}

/** The answer to that: some good bodies are refused for what they say. */
const statusOf = ({ body, success }: Endpoint) =>
  ({ PasswordReset: 422, EmailConfirmation: 422, AccountDeletion: 403 })[body!] ?? success

/** Every type of issue that an answer of this file had. */
const seen = new Set<string>()

/** The issues of a 422, as `place type`. */
function issuesOf ({ body }: Answer): string[] {
  const issues = body.detail as Array<{ loc: string[], type: string }>
  for (const { type } of issues) seen.add(type)
  return issues.map(({ loc, type }) => `${loc.join('.')} ${type}`)
}

const unreadable: Record<string, [body: string | Buffer, detail: string]> = {
  'a text that breaks off': ['{"title": "Buy', 'Malformed JSON'],
  'white space': [' \n', 'Malformed JSON'],
  'something after the object': ['{} {}', 'Malformed JSON'],
  'a comment': ['{} // nothing', 'Malformed JSON'],
  'single quotes': ["{'title': 'Buy milk'}", 'Malformed JSON'],
  NaN: ['{"title": NaN}', 'Malformed JSON'],
  'a raw line break in a text': ['{"title": "Buy\nmilk"}', 'Malformed JSON'],
  'a byte order mark': ['\ufeff{"title": "Buy milk"}', 'Malformed JSON'],
  '30,000 open brackets': ['['.repeat(30_000), 'Malformed JSON'],
  'UTF-16': [Buffer.from('{"title": "Buy milk"}', 'utf16le'), 'Malformed JSON'],
  'Latin-1': [Buffer.from('{"title": "caf\u00e9"}', 'latin1'), 'Malformed UTF-8'],
  'a byte that is never UTF-8': [Buffer.from([0x7b, 0xff, 0x7d]), 'Malformed UTF-8'],
  'UTF-8 that is too long': [Buffer.from([0x22, 0xc0, 0x80, 0x22]), 'Malformed UTF-8'],
  'a surrogate in UTF-8': [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'Malformed UTF-8'],
  'half a character': [Buffer.from([0x22, 0xe2, 0x82]), 'Malformed UTF-8']
}

const shapeless: Record<string, string> = {
  null: 'null',
  'a list': '[]',
  'a list of objects': '[{"title": "Buy milk"}]',
  'a text': '"title"',
  'an empty text': '""',
  'a number': '5',
  zero: '0',
  true: 'true',
  false: 'false',
  '15,000 nested lists': '['.repeat(15_000) + ']'.repeat(15_000)
}

const otherTypes = [
  'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', 'application/json5', 'text/json',
  'application/vnd.api+json', 'application/octet-stream', 'application/json, text/plain', ';application/json', '///', ''
]

for (const endpoint of bodied) {
  t.test(`${nameOf(endpoint)}: a body that cannot be read is 400`, async (t) => {
    for (const [what, [body, detail]] of Object.entries(unreadable)) {
      const answer = await send(endpoint, { body })
      t.strictSame([answer.status, answer.body], [400, { detail, status_code: 400 }], what)
    }
  })

  t.test(`${nameOf(endpoint)}: a body that is no object is 422`, async (t) => {
    for (const [what, body] of Object.entries(shapeless)) {
      const answer = await send(endpoint, { body })
      t.equal(answer.status, 422, what)
      t.strictSame(issuesOf(answer), ['body type_error.object'], what)
    }
  })

  t.test(`${nameOf(endpoint)}: a body of another type is 415`, async (t) => {
    for (const type of otherTypes) {
      const answer = await send(endpoint, { body: JSON.stringify(goodBody(endpoint)), headers: { 'content-type': type } })
      t.strictSame([answer.status, answer.body], [415, { detail: 'Unsupported media type', status_code: 415 }], type)
    }
    for (const coding of ['gzip', 'GZIP', 'br', 'unknown']) {
      const body = gzipSync(JSON.stringify(goodBody(endpoint)))
      const answer = await send(endpoint, { body, headers: { 'content-encoding': coding } })
      t.strictSame([answer.status, answer.body], [415, { detail: 'Unsupported media type', status_code: 415 }], coding)
    }
  })

  t.test(`${nameOf(endpoint)}: JSON by any spelling of its name is read`, async (t) => {
    for (const type of [
      'application/json', 'application/json; charset=utf-8', 'Application/JSON;CHARSET="UTF-8"', 'application/json;', 'application/json; charset=latin1'
    ]) {
      // RFC 8259 §11 gives JSON no charset: it is UTF-8, whatever a parameter says.
      const { status } = await send(endpoint, { body: JSON.stringify(goodBody(endpoint)), headers: { 'content-type': type } })
      t.equal(status, statusOf(endpoint), type)
    }
  })

  t.test(`${nameOf(endpoint)}: 64 KiB are read, one byte more is 413`, async (t) => {
    const padded = (bytes: number) => {
      const text = JSON.stringify(goodBody(endpoint))
      return text.slice(0, -1) + ' '.repeat(bytes - text.length) + '}'
    }
    t.equal((await send(endpoint, { body: padded(65_536) })).status, statusOf(endpoint))
    for (const body of [padded(65_537), 'x'.repeat(65_537), padded(1_000_000)]) {
      const answer = await send(endpoint, { body })
      t.strictSame([answer.status, answer.body], [413, { detail: 'Request body too large', status_code: 413 }])
    }
  })

  t.test(`${nameOf(endpoint)}: every unknown field is named, also the ones that JavaScript knows`, async (t) => {
    const unknown = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'user_id', 'id', '', 'a/b', 'a~1b', 'a\u0000b', 'Title']
    const text = JSON.stringify(goodBody(endpoint)).slice(0, -1) + unknown.map((name) => `, ${JSON.stringify(name)}: {"polluted": true}`).join('') + '}'
    const answer = await send(endpoint, { body: text })
    t.equal(answer.status, 422)
    t.strictSame(issuesOf(answer).sort(), unknown.map((name) => `body.${name} value_error.extra`).sort())
    t.equal(({} as { polluted?: boolean }).polluted, undefined)
  })

  t.test(`${nameOf(endpoint)}: of thousands of broken rules twenty are listed`, async (t) => {
    const entries = (count: number) => Array.from({ length: count }, (_, i) => `"k${i.toString(36)}":1`).join(',')
    const answer = await send(endpoint, { body: `{${entries(6000)}}` })
    t.equal(answer.status, 422)
    t.equal(issuesOf(answer).length, 20)
    const all = await send(endpoint, { body: JSON.stringify({ ...goodBody(endpoint), ...JSON.parse(`{${entries(20)}}`) }) })
    t.equal(new Set(issuesOf(all)).size, 20)
    t.equal((await send(endpoint, { body: `{${entries(10_000)}}` })).status, 413)
  })

  const isOptional = endpoint.body === 'TaskCompletion'
  t.test(`${nameOf(endpoint)}: no body at all is ${isOptional ? 'fine' : '422'}, whatever type it would have`, async (t) => {
    const empty: CallOptions[] = [{}, { body: '' }, { headers: { 'content-length': '0' } }]
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      empty.push({ headers: { 'content-type': type } }, { body: '', headers: { 'content-type': type } })
    }
    for (const options of empty) {
      const answer = await send(endpoint, options)
      t.equal(answer.status, isOptional ? 200 : 422, JSON.stringify(options))
      if (!isOptional) t.strictSame(issuesOf(answer), ['body value_error.missing'])
    }
  })
}

t.test('a body in chunks has the same limit, and may have none', async (t) => {
  const port = await listen(app)
  const post = async (...parts: string[]) => {
    const headers = [
      'Host: localhost', 'Connection: close', 'Content-Type: application/json', `Authorization: Bearer ${ada.token}`, 'Transfer-Encoding: chunked'
    ]
    const chunks = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
    const answers = await exchange(port, request('POST /api/tasks HTTP/1.1', headers), ...chunks, '0\r\n\r\n')
    return answers.map(({ status, text }) => ({ status, body: JSON.parse(text) as object }))
  }
  const title = '{"title":"Buy milk"'
  t.match(await post(title, `${' '.repeat(65_516)}}`), [{ status: 201 }])
  t.strictSame(await post(title, `${' '.repeat(65_517)}}`), [{ status: 413, body: { detail: 'Request body too large', status_code: 413 } }])
  t.match(await post(), [{ status: 422, body: { detail: [{ loc: ['body'], type: 'value_error.missing' }] } }])
})

const rules: Array<[method: string, path: string, body: unknown, issues: string[]]> = [
  ['POST', '/api/auth/signup', {}, ['body.email value_error.missing', 'body.name value_error.missing', 'body.password value_error.missing']],
  ['POST', '/api/auth/signup', { email: 'nobody', password: 'short', name: '' },
    [
      'body.email value_error.email', 'body.name value_error.str.min_length', 'body.name value_error.str.pattern',
      'body.password value_error.str.min_length'
    ]],
  ['POST', '/api/auth/signup', { email: 5, password: null, name: [] },
    ['body.email type_error.string', 'body.name type_error.string', 'body.password type_error.string']],
  ['POST', '/api/auth/signup', { email: `${'a'.repeat(250)}@example.com`, password: 'x'.repeat(129), name: 'x'.repeat(101) },
    [
      'body.email value_error.email', 'body.email value_error.str.max_length', 'body.name value_error.str.max_length',
      'body.password value_error.str.max_length'
    ]],
  ['POST', '/api/auth/login', { email: 'a@b.c', password: 'x'.repeat(1025) }, ['body.password value_error.str.max_length']],
  ['POST', '/api/auth/login', { password: true }, ['body.email value_error.missing', 'body.password type_error.string']],
  ['POST', '/api/tasks', { title: ' \u3000', description: 5, done: true },
    ['body.description type_error.string', 'body.done value_error.extra', 'body.title value_error.str.pattern']],
  ['POST', '/api/tasks', { title: 'x'.repeat(201), description: 'x'.repeat(2001) },
    ['body.description value_error.str.max_length', 'body.title value_error.str.max_length']],
  ['POST', '/api/tasks', { title: 'a\u0000b', description: '\ud83d' },
    ['body.description value_error.str.pattern', 'body.title value_error.str.pattern']],
  ['PUT', `/api/tasks/${task.id}`, { title: null }, ['body.title type_error.string']],
  ['PATCH', `/api/tasks/${task.id}/complete`, { is_completed: 'true' }, ['body.is_completed type_error.bool']],
  ['PATCH', `/api/tasks/${task.id}/complete`, { is_completed: 1 }, ['body.is_completed type_error.bool']],
  ['PATCH', `/api/tasks/${task.id}/complete`, {}, ['body.is_completed value_error.missing']],
  ['PATCH', '/api/tasks/none/complete', { is_completed: true }, ['path.task_id value_error.uuid']],
  ['GET', '/api/tasks?limit=0&offset=-1', undefined, ['query.limit value_error.number.not_ge', 'query.offset value_error.number.not_ge']],
  ['GET', '/api/tasks?limit=101&offset=9007199254740992', undefined,
    ['query.limit value_error.number.not_le', 'query.offset value_error.number.not_le']],
  ['GET', '/api/tasks?limit=ten&is_completed=yes&sort=title', undefined,
    ['query.is_completed type_error.bool', 'query.limit type_error.integer', 'query.sort value_error.enum']],
  ['GET', '/api/tasks?limit=1.5&offset=', undefined, ['query.limit type_error.integer', 'query.offset type_error.integer']],
  ['GET', '/api/tasks?limit=0x10&offset=1e3', undefined, ['query.limit type_error.integer', 'query.offset type_error.integer']],
  ['GET', '/api/tasks?limit=1&limit=2', undefined, ['query.limit type_error.integer']],
  ['GET', '/api/tasks?is_completed=true&is_completed=true', undefined, ['query.is_completed type_error.bool']],
  ['GET', '/api/tasks?cursor=a&cursor=b', undefined, ['query.cursor type_error.string']],
  ['GET', '/api/tasks?cursor=nothing', undefined, ['query.cursor value_error.cursor']],
  ...['', '%00', 'a%20b', '%ED%95%9C', '='].map((cursor): typeof rules[number] =>
    ['GET', `/api/tasks?cursor=${cursor}`, undefined, ['query.cursor value_error.cursor']]),
  ['GET', '/api/tasks?cursor=&offset=1', undefined, ['query.cursor value_error.cursor']],
  ['GET', '/api/tasks?__proto__=1&constructor=2', undefined, ['query.__proto__ value_error.extra', 'query.constructor value_error.extra']],
  ['GET', '/api/auth/me?fields=id', undefined, ['query.fields value_error.extra']],
  ['DELETE', `/api/tasks/${task.id}?force=true`, undefined, ['query.force value_error.extra']]
]

for (const [method, path, body, issues] of rules) {
  t.test(`${method} ${path} ${JSON.stringify(body)?.slice(0, 60) ?? ''} is 422 and names ${issues.join(', ')}`, async (t) => {
    const answer = await ada.call(method, path, { body })
    t.equal(answer.status, 422)
    t.strictSame(issuesOf(answer).sort(), issues)
    for (const { msg } of answer.body.detail) t.match(msg, /\w{2}/, 'and says so for a person')
  })
}

const long = 'x'.repeat(201)
const said: Array<[method: string, path: string, body: unknown, texts: string[]]> = [
  ['POST', '/api/tasks', {}, ['title is required']],
  ['POST', '/api/tasks', { title: '', colour: 1 }, ['colour is not known here', 'title must have at least 1 character', 'title must have more than white space']],
  ['POST', '/api/tasks', { title: long, description: 1 }, ['description must be text or null', 'title must have at most 200 characters']],
  ['POST', '/api/tasks', { title: ' \u3000' }, ['title must have more than white space']],
  ['POST', '/api/tasks', { title: 'a\0' }, ['title must not have the character U+0000']],
  ['POST', '/api/tasks', { title: 'a\ud83d' }, ['title must not have half a character (a lone surrogate)']],
  ['POST', '/api/auth/signup', { email: 'ada', password: 'short', name: 1 },
    ['email must be an email address', 'name must be text', 'password must have at least 8 characters']],
  ['PATCH', `/api/tasks/${task.id}/complete`, { is_completed: 'yes' }, ['is_completed must be true or false']],
  ['POST', '/api/tasks', [], ['body must be an object']],
  ['POST', '/api/tasks', 'null', ['body must be an object']],
  ['GET', '/api/tasks?limit=101&offset=-1', undefined, ['limit must be at most 100', 'offset must be at least 0']],
  ['GET', '/api/tasks?limit=ten&is_completed=1', undefined, ['is_completed must be true or false', 'limit must be a whole number']],
  ['GET', '/api/tasks?cursor=', undefined, ['cursor must be the next_cursor of a page of the same list']],
  ['GET', '/api/tasks?cursor=eA', undefined, ['cursor must be the next_cursor of a page of the same list']],
  ['GET', '/api/tasks?cursor=eA&offset=0', undefined, ['cursor must not come together with offset']],
  ['GET', '/api/tasks/milk', undefined, ['task_id must be a UUID, 8-4-4-4-12 hexadecimal digits']]
]

t.test('a broken rule is told as a person would say it', async (t) => {
  for (const [method, path, body, texts] of said) {
    const { body: { detail } } = await ada.call(method, path, { body })
    const told = (detail as Array<{ loc: string[], msg: string }>).map(({ loc, msg }) => `${loc.at(-1)} ${msg}`)
    t.strictSame(told.sort(), texts, `${method} ${path}`)
  }
})

t.test('a rule that has no name of its own goes by its keyword', async (t) => {
  t.strictSame((await call('GET', '/even?n=4')).body, { n: 4 })
  const { status, body } = await call('GET', '/even?n=5')
  t.equal(status, 422)
  t.match(body.detail, [{ loc: ['query', 'n'], type: 'value_error.multipleOf', msg: /2/ }])
})

t.test('the last of two fields with one name counts', async (t) => {
  const { status, body } = await ada.call('POST', '/api/tasks', { body: '{"title": 5, "title": "Buy oat milk"}' })
  t.strictSame([status, body.title], [201, 'Buy oat milk'])
})

const digits = task.id.replaceAll('-', '')
const ids: Record<string, string> = {
  'as a URN': `urn:uuid:${task.id}`,
  'in braces': `{${task.id}}`,
  'without hyphens': digits,
  'with hyphens elsewhere': digits.replace(/(....)(?=.)/g, '$1-'),
  'one digit short': task.id.slice(0, -1),
  'one digit long': `${task.id}0`,
  'with a letter that is no digit': task.id.replace(/.$/, 'g'),
  'with a space before': `%20${task.id}`,
  'with a line break after': `${task.id}%0A`,
  'with U+0000 after': `${task.id}%00`,
  'with wide digits': `${task.id.slice(0, -1)}%EF%BC%91`,
  'as a number': '1',
  'as SQL': "1'%20or%20'1'='1",
  'ten thousand characters long': 'a'.repeat(10_000)
}

for (const endpoint of endpoints.filter(({ path }) => path.includes('{task_id}'))) {
  t.test(`${nameOf(endpoint)}: an id is a canonical UUID, in either case`, async (t) => {
    const options = endpoint.body === undefined ? {} : { body: goodBody(endpoint) }
    const before = await sql('select * from todo.tasks order by id')
    for (const [how, id] of Object.entries(ids)) {
      const answer = await ada.call(endpoint.method, pathOf(endpoint, ada.id, id), options)
      t.strictSame([answer.status, issuesOf(answer)], [422, ['path.task_id value_error.uuid']], how)
    }
    t.strictSame(await sql('select * from todo.tasks order by id'), before, 'nothing has changed')
    const { id } = await ada.add('Upper case')
    const upper = pathOf(endpoint, ada.id.toUpperCase(), id.toUpperCase())
    t.equal((await ada.call(endpoint.method, upper, options)).status, endpoint.success)
  })
}

t.test('nothing is done for a request that breaks a rule', async (t) => {
  const before = await sql('select * from todo.tasks order by id')
  await call('POST', '/api/auth/signup', { body: { email: 'never@example.com', password: PASSWORD, name: 'Never', role: 'admin' } })
  await ada.call('POST', '/api/tasks', { body: { title: 'Never', user_id: ada.id } })
  await ada.call('POST', '/api/tasks?dry_run=true', { body: { title: 'Never' } })
  await ada.call('PUT', `/api/tasks/${task.id}`, { body: { title: 'Never', is_completed: true } })
  await ada.call('PATCH', `/api/tasks/${task.id}/complete?force=1`)
  t.strictSame(await sql('select * from todo.tasks order by id'), before)
  t.strictSame(await sql("select * from todo.users where email = 'never@example.com'"), [])
})

t.test('the answers above had every type of issue that is promised, and no other', async (t) => {
  t.strictSame([...seen].sort(), [
    'type_error.bool', 'type_error.integer', 'type_error.object', 'type_error.string', 'value_error.cursor', 'value_error.email',
    'value_error.enum', 'value_error.extra', 'value_error.missing', 'value_error.number.not_ge', 'value_error.number.not_le', 'value_error.str.max_length',
    'value_error.str.min_length', 'value_error.str.pattern', 'value_error.uuid'
  ])
})

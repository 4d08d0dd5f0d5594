import t from 'tap'
import { PASSWORD, startApp, type Answer } from '../helper.js'
import { logIn } from '../support/accounts.js'
import { goodBodies } from '../support/bodies.js'
import { endpoints, pathOf, type Endpoint } from '../support/endpoints.js'

const { call, signUp, sql } = await startApp(t, {
  prepare (app) {
    const querystring = { type: 'object', properties: { n: { type: 'integer', multipleOf: 2 } } }
    app.get('/even', { schema: { hide: true, querystring } }, async ({ query }) => query)
  }
})
const ada = await signUp()
const task = await ada.add('Buy milk')
const { refresh_token: refreshToken } = await logIn(call, ada.email)
const goodBody = goodBodies(ada, refreshToken)

const nameOf = ({ method, path }: Endpoint) => `${method} ${path}`

/** Every type of issue that an answer of this file had. */
const seen = new Set<string>()

/** The issues of a 422, as `place type`. */
function issuesOf ({ body }: Answer): string[] {
  const issues = body.detail as Array<{ loc: string[], type: string }>
  for (const { type } of issues) seen.add(type)
  return issues.map(({ loc, type }) => `${loc.join('.')} ${type}`)
}

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
  ['POST', '/api/tasks', [], ['body type_error.object']],
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

import t from 'tap'
import { issueType } from '../src/errors/issues.js'
import { PASSWORD, startApp, type CallOptions } from './helper.js'
import { documentOf, operationsOf } from './support/document.js'

/* The section "Errors" of the document's description names everything that can go wrong, and nothing else. */

const { app, signUp } = await startApp(t)
const document = documentOf(app)
const [, section] = document.info.description.split('## Errors\n') as [string, string]
/** The cells of its tables' rows. */
const rows = section.split('\n').filter((line) => line.startsWith('| ')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
const namesIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)

/** What clients compare with: no text of a released version may ever change. */
const texts: Record<number, string[]> = {
  400: ['Malformed JSON', 'Malformed UTF-8', 'Malformed request'],
  401: ['Invalid authentication credentials', 'Invalid email or password', 'Invalid refresh token', 'Not authenticated'],
  403: ['Email not verified', 'Not authorized to access this task', "Not authorized to access this user's tasks", 'Wrong password'],
  404: ['Not found', 'Session not found', 'Task not found'],
  405: ['Method not allowed'],
  408: ['Request timeout'],
  409: ['Email already exists'],
  410: ['Sync token expired'],
  412: ['Precondition failed'],
  413: ['Request body too large'],
  414: ['URI too long'],
  415: ['Unsupported media type'],
  417: ['Expectation failed'],
  422: [],
  429: ['Too many requests'],
  431: ['Request header fields too large'],
  500: ['Internal server error'],
  503: ['Service unavailable']
}

t.test('the section names every status with its texts, which stay as they were', async (t) => {
  const named: Record<string, Set<string>> = {}
  for (const [status = '', detail = ''] of rows) {
    if (/^\d+$/.test(status)) named[status] = new Set([...named[status] ?? [], ...namesIn(detail)])
  }
  t.strictSame(Object.fromEntries(Object.entries(named).map(([status, details]) => [status, [...details].sort()])), texts)
})

t.test('the section says of each error when it happens and what to do', async (t) => {
  for (const row of rows) t.ok(row.slice(-2).every((cell) => cell.length > 3), row.join(' | '))
})

const named = rows.flatMap(([cell = '']) => namesIn(cell).filter((name) => /^(value|type)_error\./.test(name))).sort()

t.test('the section names every type that a request can get', async (t) => {
  const ada = await signUp()
  const account = { email: 'grace@example.com', password: PASSWORD, name: 'Grace' }
  const get = (query: string) => ['GET', `/api/tasks?${query}`, {}] as const
  const create = (body: unknown) => ['POST', '/api/tasks', { body }] as const
  const requests: Record<string, readonly [string, string, CallOptions]> = {
    'type_error.bool': get('is_completed=yes'),
    'type_error.integer': get('limit=ten'),
    'type_error.object': create([]),
    'type_error.string': create({ title: 42 }),
    'value_error.cursor': get('cursor=nonsense'),
    'value_error.date': create({ title: 'Buy milk', due_date: '2027-02-29' }),
    'value_error.email': ['POST', '/api/auth/signup', { body: { ...account, email: 'grace' } }],
    'value_error.enum': get('sort=title'),
    'value_error.extra': create({ title: 'Buy milk', colour: 'red' }),
    'value_error.idempotency_key': ['POST', '/api/tasks', { body: { title: 'Buy milk' }, headers: { 'idempotency-key': 'two words' } }],
    'value_error.missing': create({}),
    'value_error.number.not_ge': get('limit=0'),
    'value_error.number.not_le': get('limit=101'),
    'value_error.since': ['GET', '/api/tasks/changes?since=x', {}],
    'value_error.str.max_length': create({ title: 'x'.repeat(201) }),
    'value_error.str.min_length': ['POST', '/api/auth/signup', { body: { ...account, password: 'short' } }],
    'value_error.str.pattern': create({ title: ' ' }),
    'value_error.token': ['POST', '/api/auth/email-verification/confirm', { body: { token: 'x' } }],
    'value_error.uuid': ['GET', '/api/tasks/42', {}]
  }
  for (const [type, [method, url, options]] of Object.entries(requests)) {
    const { status, body } = await ada.call(method, url, options)
    t.equal(status, 422)
    t.strictSame((body.detail as Array<{ type: string }>).map((issue) => issue.type), [type])
  }
  t.strictSame(named, Object.keys(requests))
})

t.test('the section names a type for every rule in the schemas of requests', async (t) => {
  const rules = new Set<string>()
  const remarks = ['description', 'title', 'default', 'examples', '$id', 'x-normalize', 'x-optional']
  const walk = (schema: object) => {
    for (const [keyword, value] of Object.entries(schema) as Array<[string, object | string]>) {
      if (keyword === 'properties') for (const property of Object.values(value) as object[]) walk(property)
      else if (keyword === 'x-issue') rules.add((value as object as { type: string }).type)
      else if (keyword === 'type') rules.add(issueType({ keyword, params: { type: value } }))
      // Formats that refuse nothing: one is for a form that hides what is typed, one for a client that has to choose a type.
      else if (keyword === 'format' && !['password', 'int64'].includes(value as string)) rules.add(issueType({ keyword, params: { format: value } }))
      else if (keyword !== 'format' && !remarks.includes(keyword)) rules.add(issueType({ keyword, params: {} }))
    }
  }
  const bodies = operationsOf(document).flatMap(({ requestBody }) =>
    requestBody ? [requestBody.content['application/json']!.schema.$ref.split('/').at(-1)!] : [])
  for (const name of bodies) walk(document.components.schemas[name]!)
  for (const { parameters = [] } of operationsOf(document)) for (const { schema } of parameters) walk(schema)
  t.strictSame([...rules].sort(), named)
})

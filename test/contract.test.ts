import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { tokenOf } from '../src/sync/positions.js'
import { startApp } from './helper.js'
import { accountRequests, type Draft } from './support/account-requests.js'
import { mailbox } from './support/accounts.js'
import { breakTables } from './support/broken-tables.js'
import { cleanDatabase } from './support/database.js'
import { documentOf, examplesOf, operationsOf, type Operation } from './support/document.js'
import { endStreams } from './support/stream.js'
import { teardown } from './support/teardown.js'

/*
 * Every documented answer of every operation is produced here, by a real request, and is what its example says. Every
 * mistake is made with every operation, so that no answer is undocumented either: `call` throws when one is.
 */

/** A request that succeeds, until a case changes it. */
interface Request {
  params: { user_id: string, task_id: string, session_id: string }
  query: string
  headers: Record<string, string>
  body: unknown
  taken?: (() => Promise<object>) | undefined
}
type Change = (good: Request) => Partial<Request> | Promise<Partial<Request>>
interface Failure { detail: string | Array<{ loc: string[], type: string }> }

const { database, drop } = await cleanDatabase()
teardown(t, drop)
const mails = mailbox()
const main = await startApp(t, { database, print: mails.print, prepare: endStreams })
const { app, call, signUp, sql } = main
const requests = accountRequests(main, mails)
const ada = await signUp('Ada')
const eve = await signUp('Eve')
const operations = operationsOf(documentOf(app))

const unchanged: Change = () => ({})
const body = (members: object): Change => (good) => ({ body: { ...good.body as object, ...members } })

/** What to send for a success, and for each error: by its text, or of a 422 by the place and the type of its issue. */
const cases: Record<string, Change> = {
  success: unchanged,
  'Malformed JSON': () => ({ body: '{' }),
  'Malformed UTF-8': () => ({ body: Buffer.from('{"title":"\xff"}', 'latin1') }),
  'Not authenticated': () => ({ headers: { authorization: '' } }),
  'Invalid authentication credentials': () => ({ headers: { authorization: `Bearer ${ada.token}x` } }),
  'Invalid email or password': body({ password: 'another one' }),
  "Not authorized to access this user's tasks": ({ params }) => ({ params: { ...params, user_id: eve.id } }),
  'Not authorized to access this task': async ({ params }) => ({ params: { ...params, task_id: (await eve.add('Hers')).id } }),
  'Task not found': ({ params }) => ({ params: { ...params, task_id: randomUUID() } }),
  // The account of the example exists since it was sent for the first time.
  'Email already exists': async ({ taken }) => taken ? { body: await taken() } : {},
  'as it is known': () => ({ headers: { 'if-none-match': '*' } }),
  // The first change of an account, at another time.
  'Sync token expired': () => ({ query: `?since=${tokenOf({ owner: ada.id, seen: { revision: 0, time: 1 } })}` }),
  'Precondition failed': () => ({ headers: { 'if-match': '"0-0.1"' } }),
  'Invalid refresh token': body({ refresh_token: 'x' }),
  'Wrong password': ({ body }) => ({ body: { ...body as object, [Object(body).current_password ? 'current_password' : 'password']: 'another one' } }),
  'Session not found': ({ params }) => ({ params: { ...params, session_id: randomUUID() } }),
  'Request body too large': () => ({ body: ' '.repeat(64 * 1024 + 1) }),
  'Unsupported media type': () => ({ headers: { 'content-type': 'text/plain' } }),
  'body.email value_error.email': body({ email: 'ada' }),
  'body.password value_error.str.min_length': body({ password: 'short' }),
  'body.title type_error.string': () => ({ body: { title: null } }),
  'body.new_password value_error.str.min_length': body({ new_password: 'short' }),
  'body.token value_error.token': body({ token: 'x' }),
  ...Object.fromEntries(['title', 'name', 'refresh_token', 'password'].map((name) => [`body.${name} value_error.missing`, () => ({ body: {} })])),
  'body.is_completed value_error.missing': () => ({ body: {} }),
  'query.limit value_error.number.not_le': () => ({ query: '?limit=101' }),
  'query.since value_error.since': () => ({ query: '?since=x' }),
  'query.colour value_error.extra': () => ({ query: '?colour=red' }),
  'path.task_id value_error.uuid': ({ params }) => ({ params: { ...params, task_id: '42' } }),
  'path.session_id value_error.uuid': ({ params }) => ({ params: { ...params, session_id: '42' } })
}

const caseOf = ({ detail }: Failure) =>
  typeof detail === 'string' ? detail : detail.map(({ loc, type }) => `${loc.join('.')} ${type}`).join(', ')

interface Expected { status: number, headers: string[], failure?: Failure }

/** What an operation documents, by the name of the case that gets it. */
function expectations (t: Test, { operationId, responses }: Operation): Map<string, Expected> {
  const expected = new Map<string, Expected>()
  for (const [code, answer] of Object.entries(responses)) {
    const status = Number(code)
    // A list has a Link only where there is a next page, and a task is a repeat's only then.
    const headers = Object.keys(answer.headers ?? {}).filter((name) => !['Link', 'Idempotency-Replayed'].includes(name))
    const failures = status < 400 ? [] : Object.values(answer.content ?? {}).flatMap(examplesOf) as Failure[]
    for (const failure of failures) expected.set(caseOf(failure), { status, headers, failure })
    const name = status === 304 ? 'as it is known' : 'success'
    if (status < 400) expected.set(name, { status, headers })
    t.ok(failures.length > 0 || expected.get(name)?.status === status, `${status} of ${operationId} has an example`)
  }
  return expected
}

/** A request of somebody's own for an operation, where it takes one. */
const draft = async (operationId: string): Promise<Draft | undefined> => await requests[operationId]?.()

/** The same made in advance, for when no more can be made. */
async function draftsInAdvance (): Promise<typeof draft> {
  const made = new Map<string, Draft | undefined>()
  for (const { operationId } of operations) made.set(operationId, await draft(operationId))
  return async (operationId) => made.get(operationId)
}

/** Sends cases to every operation. What is documented for a case has to be the answer. */
async function send (t: Test, cases: Record<string, Change>, taskId: () => Promise<string>, to = call, draftOf = draft) {
  for (const operation of operations) {
    const { path, method, operationId, security, requestBody } = operation
    const bodies = requestBody ? examplesOf(requestBody.content['application/json']!) : [undefined]
    t.not(bodies.length, 0, `the body of ${operationId} has an example`)
    const expected = expectations(t, operation)

    for (const [name, change] of Object.entries(cases)) {
      for (const example of bodies) {
        const own = await draftOf(operationId)
        const params = { user_id: ada.id, task_id: await taskId(), session_id: own?.session ?? randomUUID() }
        const good = { params, query: '', headers: {}, body: own?.body ?? example, taken: own?.taken }
        const { params: changed, query, taken: _, ...options } = { ...good, ...await change(good) }
        const url = path.replace(/\{(\w+)\}/g, (_all, parameter: keyof typeof changed) => changed[parameter]) + query
        const answer = await to(method, url, { token: security && (own?.token ?? ada.token), ...options })

        const documented = expected.get(name)
        if (!documented) continue
        const { status, headers, failure } = documented
        t.equal(answer.status, status, `${operationId}: ${name}`)
        if (failure) t.strictSame(answer.body, failure)
        t.strictSame(headers.filter((header) => !(header.toLowerCase() in answer.headers)), [], 'its documented headers are there')
      }
    }
  }
}

t.test('every example of a request succeeds, and every mistake gets the documented refusal', async (t) =>
  send(t, cases, async () => (await ada.add('Buy milk')).id))

t.test('beyond its limits an operation answers the documented 429', async (t) => {
  const settings = { RATE_LIMIT: 'on', RATE_LIMIT_ADDRESS: '1', RATE_LIMIT_USER: '1' }
  const limited = await startApp(t, { database, settings })
  await limited.call('POST', '/api/auth/login', { body: {} })
  await limited.call('GET', '/api/auth/me', { token: ada.token })
  await send(t, { 'Too many requests': unchanged }, async () => randomUUID(), limited.call, async () => undefined)
})

t.test('where emails have to be verified a login answers the documented 403', async (t) => {
  const strict = await startApp(t, { database, settings: { REQUIRE_VERIFIED_EMAIL: 'true' }, prepare: endStreams })
  await send(t, { 'Email not verified': unchanged }, async () => randomUUID(), strict.call)
})

t.test('where it fails for a reason of its own an operation answers the documented 500', async (t) => {
  const drafts = await draftsInAdvance()
  const mend = await breakTables(sql)
  await send(t, { 'Internal server error': unchanged }, async () => randomUUID(), call, drafts)
  await mend()
})

t.test('without the database an operation answers the documented 503', async (t) => {
  const drafts = await draftsInAdvance()
  await database.close()
  await send(t, { 'Service unavailable': unchanged }, async () => randomUUID(), call, drafts)
})

t.test('every documented answer has been produced', async (t) => {
  const produced = [...Object.keys(cases), 'Too many requests', 'Email not verified', 'Internal server error', 'Service unavailable']
  for (const operation of operations) {
    t.equal(Object.keys(operation.responses).filter((status) => Number(status) < 300).length, 1, `${operation.operationId} has one success`)
    const missing = [...expectations(t, operation)].filter(([name]) => !produced.includes(name))
    t.strictSame(missing.map(([name, { status }]) => `${status} ${name}`), [], operation.operationId)
  }
})

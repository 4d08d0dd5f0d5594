import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import t, { type Test } from 'tap'
import type { LoginAnswer } from '../../src/schemas/auth.js'
import type { Task } from '../../src/schemas/tasks.js'
import { PASSWORD, startApp, type Options as AppOptions } from '../helper.js'
import { openBrowser } from '../support/browser.js'
import { connectTo } from '../support/database.js'

/* Pages of other origins use the API with `fetch`, in a real browser. */

const HEADERS = ['Location', 'Link', 'Retry-After', 'X-Request-Id']

interface Options { token?: string, requestId?: string, body?: object, mode?: 'no-cors' }
interface Sending extends Options { api: string, method: string, path: string, names: string[] }
/** What a page could read of an answer. */
interface Outcome { status: number | 'refused', headers: Record<string, string | null>, body: unknown }

/** Runs in the page. */
async function fetchThere ({ api, method, path, token, requestId, body, mode, names }: Sending): Promise<Outcome> {
  try {
    const answer = await fetch(api + path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(requestId && { 'x-request-id': requestId }),
        ...(body && { 'content-type': 'application/json' })
      },
      ...(body && { body: JSON.stringify(body) }),
      ...(mode && { mode })
    })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: Object.fromEntries(names.map((name) => [name, answer.headers.get(name)])),
      body: text === '' ? null : JSON.parse(text)
    }
  } catch {
    return { status: 'refused', headers: {}, body: null }
  }
}

/** Serves an empty page: somebody's front end. @returns its port */
async function serveFrontEnd (): Promise<number> {
  const server = createServer((_request, response) => { response.setHeader('content-type', 'text/html').end('<!doctype html><title>A front end</title>') })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(async () => { server.closeAllConnections(); server.close() })
  return (server.address() as AddressInfo).port
}

const [port, otherPort] = [await serveFrontEnd(), await serveFrontEnd()]
const allowed = `http://127.0.0.1:${port}`
const forbidden = [`http://127.0.0.1:${otherPort}`, `http://localhost:${port}`]

async function serve (options: AppOptions) {
  const app = await startApp(t, options)
  return { ...app, api: await app.app.listen({ host: '127.0.0.1', port: 0 }) }
}
const server = await serve({ settings: { CORS_ORIGINS: `https://app.example.com, ${allowed}` } })

/** Opens a page of an origin. @returns what sends a request from there */
async function open (t: Test, browser: Browser, origin: string, api = server.api) {
  const context = await browser.newContext()
  t.teardown(async () => { await context.close() })
  const page = await context.newPage()
  await page.goto(origin)
  return async (method: string, path: string, options: Options = {}) =>
    page.evaluate(fetchThere, { api, method, path, ...options, names: HEADERS })
}

const browser = await openBrowser(t)
if (browser) {
  t.test('a page of an allowed origin does all five stories, and reads every header it needs', async (t) => livesTheStories(t, browser))
  for (const origin of forbidden) {
    t.test(`a page of another origin, ${origin === forbidden[0] ? 'with another port' : 'with another name of the same host'}, gets nothing`,
      async (t) => getsNothing(t, browser, origin))
  }
  t.test('a page of any origin is served where all are allowed', async (t) => {
    const open = await serve({ settings: { CORS_ORIGINS: '*' } })
    await servesEverybody(t, browser, open.api)
  })
  t.test('preflights are answered without the database, and a page reads when to come back', async (t) => readsWhenToComeBack(t, browser))
}

async function livesTheStories (t: Test, browser: Browser) {
  const send = await open(t, browser, allowed)
  const account = { email: 'page@example.com', password: PASSWORD }
  t.match(await send('POST', '/api/auth/signup', { body: { ...account, name: 'Page' } }),
    { status: 201, headers: { Location: '/api/auth/me' }, body: { email: account.email } })
  const login = await send('POST', '/api/auth/login', { body: account })
  t.match(login, { status: 200, body: { token_type: 'bearer', user: { email: account.email } } })
  const { access_token: token } = login.body as LoginAnswer
  t.match(await send('GET', '/api/auth/me', { token }), { status: 200, body: { name: 'Page' } })
  t.match(await send('GET', '/api/auth/me', { token, requestId: 'mine-1' }), { status: 200, headers: { 'X-Request-Id': 'mine-1' } })

  await send('POST', '/api/tasks', { token, body: { title: 'First' } })
  const created = await send('POST', '/api/tasks', { token, body: { title: 'Second' } })
  const path = `/api/tasks/${(created.body as Task).id}`
  t.match(created, { status: 201, headers: { Location: path } })
  const list = await send('GET', '/api/tasks?limit=1', { token })
  t.match(list, { status: 200, headers: { Link: '</api/tasks?limit=1&offset=1>; rel="next"' }, body: { tasks: [{ title: 'Second' }], total: 2 } })
  t.match(list.headers['X-Request-Id'], /^[\da-f-]{36}$/)

  t.match(await send('PUT', path, { token, body: { title: 'Changed' } }), { status: 200, body: { title: 'Changed' } })
  t.match(await send('PATCH', `${path}/complete`, { token }), { status: 200, body: { is_completed: true } })
  t.match(await send('GET', path, { token }), { status: 200, body: { title: 'Changed', is_completed: true } })
  t.equal((await send('HEAD', path, { token })).status, 200)
  t.match(await send('DELETE', path, { token }), { status: 204, body: null })

  t.match(await send('GET', path, { token }), { status: 404, body: { detail: 'Task not found' } })
  t.match(await send('GET', '/api/tasks'), { status: 401, body: { detail: 'Not authenticated' } })
  t.match(await send('POST', '/api/tasks', { token, body: { title: '' } }), { status: 422 })
  t.match(await send('GET', '/openapi.json'), { status: 200, body: { openapi: '3.1.0' } })
}

async function getsNothing (t: Test, browser: Browser, origin: string) {
  const send = await open(t, browser, origin)
  const ada = await server.signUp()
  const { token } = ada
  const task = await ada.add('Untouched')
  const path = `/api/tasks/${task.id}`
  const account = { email: `new-${ada.email}`, password: PASSWORD, name: 'New' }
  for (const [method, url, options] of [
    ['POST', '/api/auth/signup', { body: account }],
    ['POST', '/api/auth/login', { body: { email: ada.email, password: PASSWORD } }],
    ['GET', '/api/auth/me', { token }],
    ['POST', '/api/tasks', { token, body: { title: 'Smuggled' } }],
    ['GET', '/api/tasks', { token }],
    ['PUT', path, { token, body: { title: 'Changed' } }],
    ['PATCH', `${path}/complete`, { token }],
    ['DELETE', path, { token }],
    // A browser asks nobody before it sends these; it must not hand over the answers.
    ['GET', '/health', {}],
    ['HEAD', '/health', {}],
    ['GET', '/openapi.json', {}],
    ['GET', '/openapi.json', { mode: 'no-cors' }]
  ] as const) t.equal((await send(method, url, options)).status, 'refused', `${method} ${url}`)

  const { body: { tasks } } = await ada.call('GET', '/api/tasks')
  t.strictSame(tasks, [task], 'and nothing has happened')
  const { status } = await server.call('POST', '/api/auth/signup', { body: account })
  t.equal(status, 201, 'nor was an account made')
}

async function servesEverybody (t: Test, browser: Browser, api: string) {
  for (const origin of [allowed, ...forbidden]) {
    const send = await open(t, browser, origin, api)
    t.match(await send('PATCH', '/api/tasks/1/complete', { body: {}, token: 'x' }), { status: 401, headers: { 'X-Request-Id': /./ } }, origin)
  }
}

async function readsWhenToComeBack (t: Test, browser: Browser) {
  const { token } = await server.signUp()
  const outage = await serve({ settings: { CORS_ORIGINS: allowed }, database: connectTo('pglite:memory') })
  const send = await open(t, browser, allowed, outage.api)
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const outcome = await send(method, `/api/tasks/${crypto.randomUUID()}`, { token, ...(method === 'PUT' && { body: { title: 'Later' } }) })
    t.match(outcome, { status: 503, headers: { 'Retry-After': /^\d+$/ }, body: { detail: 'Service unavailable' } }, method)
  }
}

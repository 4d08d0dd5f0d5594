import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startApp } from '../helper.js'
import { openBrowser } from '../support/browser.js'
import { documentOf, operationsOf } from '../support/document.js'
import { prefixProxy } from '../support/prefix-proxy.js'

const { app, signUp } = await startApp(t)
const server = await app.listen({ host: '127.0.0.1', port: 0 })
const document = documentOf(app)
const operations = operationsOf(document)
const tags = [...new Set(operations.map(({ tags: [tag] }) => tag!))]
const inOrderOfTags = tags.flatMap((tag) => operations.filter((operation) => operation.tags[0] === tag))

/** A host name of the internet: some scripts behave otherwise on a developer's own machine. */
const PUBLIC = 'https://todo.example'

const browser = await openBrowser(t)
if (browser) {
  const proxy = await prefixProxy(t, server, '/todo')
  for (const [base, where] of [[server, 'this machine'], [PUBLIC, 'a public host'], [proxy, 'a reverse proxy below a prefix']] as const) {
    t.test(`/docs on ${where} shows the whole contract, without an error or a request elsewhere`, async (t) => showsDocs(t, browser, base))
    t.test(`/redoc on ${where} shows the whole contract, without an error or a request elsewhere`, async (t) => showsRedoc(t, browser, base))
  }
  t.test('below a prefix a person tries operations', async (t) => triesBelowPrefix(t, browser, proxy))
  t.test('on /docs a person signs up, logs in and keeps tasks, and never copies a token', async (t) => logsIn(t, browser))
  t.test('on /docs a token in the Authorize dialog works until the person logs out', async (t) => authorizes(t, browser))
  t.test('on /redoc a reader finds an operation by a word', async (t) => searches(t, browser))
}

/** A page of its own, and what goes wrong on it: errors in its console, broken security policies, requests to other hosts. */
async function newPage (t: Test, browser: Browser, base = server) {
  const context = await browser.newContext({ viewport: { width: 1300, height: 1000 } })
  // A busy processor draws the whole contract in half a minute.
  context.setDefaultTimeout(120_000)
  t.teardown(async () => { await context.close() })
  const wrong: string[] = []
  await context.route(`${PUBLIC}/**`, async (route) => {
    await route.fulfill({ response: await route.fetch({ url: route.request().url().replace(PUBLIC, server) }) })
  })
  const page = await context.newPage()
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) wrong.push(message.text()) })
  page.on('pageerror', (error) => { wrong.push(error.message) })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${base}/`) && !/^(data|blob):/.test(url)) wrong.push(url)
  })
  return { page, wrong }
}

const screenshot = async (of: Page | Locator, name: string) => of.screenshot({ path: join(tmpdir(), `todo-backend-${name}.png`) })

/** What the description says, in the order in which a reader needs it. */
const DESCRIPTION = [
  'Accounts – POST /api/auth/signup', 'Create and list', 'Update and complete', 'Delete – DELETE', 'Documents and errors',
  'Getting a token', 'Authorization: Bearer', 'Errors'
]

function tellsInOrder (t: Test, text: string) {
  const plain = text.replace(/\s+/g, ' ')
  const places = DESCRIPTION.map((part) => plain.indexOf(part))
  t.notOk(places.includes(-1), 'the five stories, the token and the errors are there')
  t.strictSame(places, [...places].sort((a, b) => a - b), 'and in order')
}

async function showsDocs (t: Test, browser: Browser, base: string) {
  const { page, wrong } = await newPage(t, browser, base)
  await page.goto(`${base}/docs`)
  await page.locator('.model-container, .json-schema-2020-12').first().waitFor()
  t.equal(await page.title(), 'Todo Backend API – try it')
  t.match(await page.locator('.info .title').textContent(), /^Todo Backend API/)
  tellsInOrder(t, await page.locator('.info .description').innerText())
  t.strictSame(await page.locator('.servers option').allTextContents(), ['.. - This server'])
  t.strictSame(await page.locator('.opblock-tag').evaluateAll((all) => all.map((tag) => tag.getAttribute('data-tag'))), tags)
  t.strictSame(await page.locator('.opblock').evaluateAll((all) => all.map(({ id }) => id.split('-').at(-1))),
    inOrderOfTags.map(({ operationId }) => operationId))
  t.strictSame(await page.locator('.opblock-summary-description').allTextContents(), inOrderOfTags.map(({ summary }) => summary))
  const models = await page.locator('.models .json-schema-2020-12__title').allTextContents()
  t.strictSame(models, Object.keys(document.components.schemas))

  await screenshot(page, 'docs')
  await page.getByText('Every status').click()
  t.ok(await page.getByRole('cell', { name: 'Service unavailable' }).first().isVisible(), 'the errors are a table')
  await screenshot(page.locator('.information-container'), 'docs-errors')
  t.strictSame(wrong, [])
}

async function showsRedoc (t: Test, browser: Browser, base: string) {
  const { page, wrong } = await newPage(t, browser, base)
  await page.goto(`${base}/redoc`)
  await page.locator('[id="operation/getOpenApi"]').waitFor()
  t.equal(await page.title(), 'Todo Backend API – reference')
  tellsInOrder(t, await page.locator('.api-content').innerText())
  const sections = page.locator('[data-section-id^="operation/"]')
  t.strictSame(await sections.evaluateAll((all) => all.map(({ id }) => id)), inOrderOfTags.map(({ operationId }) => `operation/${operationId}`))
  t.strictSame(await sections.locator('h2').evaluateAll((all) => all.map(({ textContent }) => textContent.trim())),
    inOrderOfTags.map(({ summary }) => summary))
  await page.locator('[id="operation/createTask"]').scrollIntoViewIfNeeded()
  await screenshot(page, 'redoc')
  t.strictSame(wrong, [])
}

/** An operation on /docs, opened. */
async function opened (page: Page, id: string) {
  const operation = page.locator(`[id="operations-${id}"]`)
  await operation.waitFor()
  if (!/is-open/.test(await operation.getAttribute('class') ?? '')) await operation.locator('.opblock-summary-control').click()
  return operation
}

/** Sends an operation on /docs as it stands there, or with another body. @returns what the page shows as the answer */
async function tryOut (page: Page, id: string, body?: object) {
  const operation = await opened(page, id)
  if (body) await operation.locator('textarea.body-param__text').fill(JSON.stringify(body))
  const [answer] = await Promise.all([page.waitForResponse((response) => response.url().includes('/api/')), operation.locator('.execute').click()])
  const shown = operation.locator('.live-responses-table .response').first()
  await shown.getByText(answer.headers()['x-request-id']!).waitFor()
  const text = await shown.locator('.highlight-code code').innerText()
  return { status: Number((await shown.locator('.response-col_status').innerText()).slice(0, 3)), body: JSON.parse(text) as Record<string, unknown> }
}

async function logsIn (t: Test, browser: Browser) {
  const { page } = await newPage(t, browser)
  await page.goto(`${server}/docs`)
  t.equal((await tryOut(page, 'Accounts-getMe')).status, 401)
  t.equal((await tryOut(page, 'Accounts-signUp')).status, 201)
  t.equal((await tryOut(page, 'Accounts-getMe')).status, 401, 'a new account is not yet a login')
  const wrong = await tryOut(page, 'Accounts-logIn', { email: 'ada@example.com', password: 'wrong' })
  t.equal(wrong.status, 401)
  t.match(await tryOut(page, 'Accounts-getMe'), { status: 401, body: { detail: 'Not authenticated' } }, 'nor is one that is refused')

  await page.reload()
  t.equal((await tryOut(page, 'Accounts-logIn')).status, 200, 'the example of a login is the account of the example')
  t.match(await tryOut(page, 'Accounts-getMe'), { status: 200, body: { email: 'ada@example.com' } })
  t.match(await tryOut(page, 'Tasks-createTask', { title: 'From the page' }), { status: 201, body: { title: 'From the page', is_completed: false } })
  await screenshot(await opened(page, 'Tasks-createTask'), 'docs-try-it-out')

  await page.reload()
  t.match(await tryOut(page, 'Tasks-listTasks'), { status: 200, body: { tasks: [{ title: 'From the page' }], total: 1 } }, 'a reload keeps the login')
}

async function authorizes (t: Test, browser: Browser) {
  const { page } = await newPage(t, browser)
  const grace = await signUp('Grace')
  await page.goto(`${server}/docs`)
  await page.locator('.auth-wrapper .authorize').click()
  const dialog = page.locator('.dialog-ux')
  t.match(await dialog.innerText(), /access_token/, 'the dialog says what to put in')
  await dialog.locator('input').fill(grace.token)
  await dialog.locator('button.authorize').click()
  await screenshot(page, 'docs-authorize')
  await dialog.locator('.btn-done').click()
  t.match(await tryOut(page, 'Tasks-createTask'), { status: 201, body: { title: 'Buy milk', user_id: grace.id } })

  await page.reload()
  t.match(await tryOut(page, 'Accounts-getMe'), { status: 200, body: { id: grace.id } }, 'a reload keeps the token')
  await page.locator('.auth-wrapper .authorize').click()
  await dialog.getByRole('button', { name: 'Remove authorization' }).click()
  await dialog.locator('.btn-done').click()
  t.equal((await tryOut(page, 'Accounts-getMe')).status, 401)
}

async function triesBelowPrefix (t: Test, browser: Browser, base: string) {
  const { page } = await newPage(t, browser, base)
  await page.goto(`${base}/docs`)
  t.match(await tryOut(page, 'Accounts-getMe'), { status: 401, body: { detail: 'Not authenticated' } })
}

async function searches (t: Test, browser: Browser) {
  const { page, wrong } = await newPage(t, browser)
  await page.goto(`${server}/redoc`)
  await page.locator('input.search-input').fill('reopen')
  const results = page.locator('[data-role="search:results"] [role="menuitem"]')
  await results.first().waitFor()
  t.ok((await results.allInnerTexts()).every((text) => /Complete or reopen a task/.test(text)))
  t.equal(await results.count(), 2, 'one on each mount')
  t.strictSame(wrong, [])
}

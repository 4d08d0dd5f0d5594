import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { until } from '../support/until.js'
import { form, isFocused, logIn, openExample, titles, told, type Example } from './example.js'

const example = await openExample(t)
if (example) testsOf(example)

/** Notes whether a page ever shows its entrance. */
const WATCH = `new MutationObserver(() => {
  if (document.getElementById('entrance')?.hidden === false) window.sawEntrance = true
}).observe(document, { attributes: true, childList: true, subtree: true })`

const sawEntrance = async (page: Page) => await page.evaluate('window.sawEntrance === true')

/** Counts what a browser asks for. */
function countRequests (context: BrowserContext, path: string) {
  const seen: number[] = []
  context.on('response', (response) => {
    if (response.url().endsWith(path) && response.request().method() === 'POST') seen.push(response.status())
  })
  return seen
}

const openSettings = async (page: Page) => {
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('heading', { name: 'Your account' }).waitFor()
}

function testsOf ({ signUp, openContext, openTab, visitAs, expire }: Example) {
  t.test('a reload keeps the login, also over an expired access token, and never shows the entrance', async (t) => {
    const ada = await signUp()
    await ada.add('Buy milk')
    const page = await visitAs(t, ada)
    await page.addInitScript(WATCH)
    for (const what of ['a token that is good', 'one that has expired']) {
      await page.reload()
      await page.getByRole('checkbox', { name: 'Buy milk' }).waitFor()
      t.notOk(await sawEntrance(page), what)
      await expire(page)
    }
    await page.getByRole('checkbox', { name: 'Buy milk' }).click()
    await told(page, 'Buy milk is done')
    t.notOk(await page.getByRole('dialog').isVisible(), 'nobody is asked either')
  })

  t.test('two tabs whose token has expired renew it at once, and both stay logged in', async (t) => {
    const ada = await signUp()
    await ada.add('Buy milk')
    const context = await openContext(t)
    await context.addInitScript(WATCH)
    const one = await openTab(context)
    await logIn(one, ada.email)
    await told(one, 'Logged in as')
    const two = await openTab(context)
    await two.getByRole('checkbox', { name: 'Buy milk' }).waitFor()
    const renewals = countRequests(context, '/api/auth/refresh')
    for (let round = 0; round < 3; round++) {
      await expire(one)
      await Promise.all([one, two].map(async (page) => page.reload()))
      for (const page of [one, two]) await page.getByRole('checkbox', { name: 'Buy milk' }).waitFor()
      await until('the token is renewed', async () => await one.evaluate("JSON.parse(localStorage.getItem('todo-backend')).expires_at > Date.now()"))
    }
    await two.getByRole('checkbox', { name: 'Buy milk' }).click()
    await told(two, 'Buy milk is done')
    t.notOk(await sawEntrance(two))
    t.strictSame(renewals, [200, 200, 200], 'one tab renews, the other takes what it got')
  })

  t.test('a tab that is logged out from another one leaves, and has nothing of it any more', async (t) => {
    const ada = await signUp()
    await ada.add('Secret')
    const context = await openContext(t)
    const one = await openTab(context)
    await logIn(one, ada.email)
    await told(one, 'Logged in as')
    const two = await openTab(context)
    await two.getByRole('checkbox', { name: 'Secret' }).waitFor()
    await form(two, 'New task').getByLabel('Title').fill('Half a secret')
    await one.getByRole('button', { name: 'Log out' }).click()
    await told(one, 'Logged out')
    await two.getByRole('alert').getByText('You have logged out in another tab.').waitFor()
    t.ok(await isFocused(form(two, 'Log in').getByLabel('Email')))
    t.notMatch(await two.locator('body').innerHTML(), /Secret/)
    t.equal(await two.locator('#new [name=title]').inputValue(), '')

    const eve = await signUp('Eve')
    await logIn(one, ada.email)
    await told(one, 'Logged in as')
    await logIn(two, eve.email)
    await one.getByRole('alert').getByText('Somebody else has logged in').waitFor()
    t.strictSame(await titles(one), [])
  })

  t.test('a person sees where they are logged in, and ends one, or all but this one', async (t) => {
    const ada = await signUp()
    const [here, there, third] = [await visitAs(t, ada), await visitAs(t, ada), await visitAs(t, ada)]
    await openSettings(here)
    const list = here.getByRole('list', { name: 'Where I am logged in' })
    await list.getByText('this one').waitFor()
    const rows = list.getByRole('listitem')
    t.equal(await rows.count(), 4, 'the three, and the one that signed up')
    t.match(await rows.first().textContent(), /Chrome on Linux.*Last used/s)
    t.equal(await list.getByRole('button').count(), 3, 'none for this one')

    await form(there, 'New task').getByLabel('Title').fill('Half a task')
    // The one used last but this one is the third.
    await list.getByRole('button').first().click()
    await told(here, 'Logged out: Chrome on Linux')
    t.ok(await isFocused(here.getByRole('heading', { name: 'Where I am logged in' })))
    await third.getByRole('alert').getByText('Your session has ended').waitFor()

    await here.getByRole('button', { name: 'Log out everywhere else' }).click()
    await told(here, 'Logged out everywhere else')
    t.equal(await rows.count(), 1)
    await there.getByRole('dialog', { name: 'Log in again' }).waitFor()
    t.equal(await form(there, 'New task').getByLabel('Title').inputValue(), 'Half a task')
  })

  t.test('a logout that the server cannot be told is one all the same', async (t) => {
    const page = await visitAs(t, await signUp())
    await page.context().setOffline(true)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('alert').getByText('the server could not be told').waitFor()
    await page.context().setOffline(false)
    await page.reload()
    await form(page, 'Log in').waitFor()
    t.equal(await page.evaluate('localStorage.length'), 0)
  })
}

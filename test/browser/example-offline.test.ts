import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { PASSWORD } from '../helper.js'
import { until } from '../support/until.js'
import { add, form, isFocused, logIn, network, openExample, shows, told, type Example } from './example.js'

const example = await openExample(t)
if (example) testsOf(example)

const API = /\/api\//

/** Away is the server alone: the page itself can be loaded. */
const leave = async (page: Page) => page.context().route(API, async (route) => route.abort('connectionrefused'))
const comeBack = async (page: Page) => page.context().unroute(API)

const offline = async (page: Page, isSo = true) => page.context().setOffline(isSo)

const check = async (page: Page, title: string) => page.getByRole('checkbox', { name: title, exact: true }).click()
const remove = async (page: Page, title: string) => page.getByRole('button', { name: `Delete ${title}` }).click()
const edit = async (page: Page, title: string, next: string) => {
  await page.getByRole('button', { name: `Edit ${title}`, exact: true }).click()
  await form(page, `Edit ${title}`).getByLabel('Title').fill(next)
  await form(page, `Edit ${title}`).getByRole('button', { name: 'Save' }).click()
  await told(page, `Saved ${next}`)
}

const problems = (page: Page) => page.getByRole('region', { name: 'Please decide' })

/** What browsers keep on the disk. */
const databases = async (page: Page) => page.evaluate<string[]>('indexedDB.databases().then((all) => all.map(({ name }) => name))')

function testsOf ({ signUp, visitAs, endSessions, call }: Example) {
  type Person = Awaited<ReturnType<typeof signUp>>
  const tasksOf = async (person: Person) => (await person.call('GET', '/api/tasks?sort=created_at')).body.tasks as Array<{ id: string, title: string, is_completed: boolean }>

  t.test('what is done offline is shown, waits, and is done in order when the network is back', async (t) => {
    const ada = await signUp()
    await ada.add('Buy milk')
    await ada.add('Buy bread')
    const [page, other] = [await visitAs(t, ada), await visitAs(t, ada)]
    await shows(page, 'Buy bread', 'Buy milk')
    await offline(page)
    await network(page, 'offline')
    await add(page, 'Buy eggs')
    await network(page, 'offline, 1 change waiting')
    await edit(page, 'Buy eggs', 'Buy six eggs')
    await check(page, 'Buy six eggs')
    await told(page, 'Buy six eggs is done')
    await remove(page, 'Buy milk')
    await told(page, 'Deleted Buy milk')
    await edit(page, 'Buy bread', 'Buy rye bread')
    await check(page, 'Buy rye bread')
    await network(page, 'offline, 6 changes waiting')
    await shows(page, 'Buy six eggs', 'Buy rye bread')
    await page.screenshot({ path: join(tmpdir(), 'todo-backend-example-offline.png') })
    t.strictSame((await tasksOf(ada)).map(({ title }) => title), ['Buy milk', 'Buy bread'], 'the server has nothing of it')

    await offline(page, false)
    await network(page, '')
    t.match(await tasksOf(ada), [{ title: 'Buy rye bread', is_completed: true }, { title: 'Buy six eggs', is_completed: true }])
    await shows(other, 'Buy six eggs', 'Buy rye bread')
    await shows(page, 'Buy six eggs', 'Buy rye bread')
    t.notOk(await problems(page).isVisible())
  })

  t.test('it opens without the server, with the tasks and with what waits, for this account alone', async (t) => {
    const [ada, eve] = [await signUp(), await signUp('Eve')]
    await ada.add('Buy milk')
    const page = await visitAs(t, ada)
    await shows(page, 'Buy milk')
    await leave(page)
    await check(page, 'Buy milk')
    await add(page, 'Secret')
    await network(page, 'offline, 2 changes waiting')
    await page.reload()
    await shows(page, 'Secret', 'Buy milk')
    await network(page, 'offline, 2 changes waiting')
    t.ok(await page.getByRole('checkbox', { name: 'Buy milk' }).isChecked())
    await comeBack(page)
    await network(page, '')
    t.match(await tasksOf(ada), [{ title: 'Buy milk', is_completed: true }, { title: 'Secret' }])

    await leave(page)
    await add(page, 'Another secret')
    await page.getByRole('button', { name: 'Log out' }).click()
    const question = page.getByRole('dialog', { name: 'Log out now?' })
    await question.getByText('1 change has not been sent yet.').waitFor()
    t.ok(await isFocused(question.getByRole('button', { name: 'Stay' })))
    await page.keyboard.press('Enter')
    await shows(page, 'Another secret', 'Secret', 'Buy milk')
    await page.getByRole('button', { name: 'Log out' }).click()
    await question.getByRole('button', { name: 'Log out and lose them' }).click()
    await form(page, 'Log in').waitFor()
    await until('nothing is kept', async () => (await databases(page)).length === 0)
    await comeBack(page)
    await logIn(page, eve.email)
    await told(page, 'Logged in as Eve')
    await shows(page)
    t.notMatch(await page.locator('body').innerHTML(), /Secret/i)
    t.strictSame(await databases(page), [`todo-${eve.id}`])
  })

  t.test('both versions are shown of what was changed elsewhere meanwhile, and the person chooses', async (t) => {
    const ada = await signUp()
    const [milk, bread, eggs, salt] = [await ada.add('milk'), await ada.add('bread', 'Rye'), await ada.add('eggs'), await ada.add('salt')]
    const page = await visitAs(t, ada)
    await shows(page, 'salt', 'eggs', 'bread', 'milk')
    await offline(page)
    await edit(page, 'milk', 'oat milk')
    await edit(page, 'bread', 'white bread')
    await edit(page, 'eggs', 'six eggs')
    await remove(page, 'salt')
    await told(page, 'Deleted salt')
    await ada.call('PATCH', `/api/tasks/${milk.id}`, { body: { title: 'soy milk' } })
    await ada.call('PATCH', `/api/tasks/${bread.id}`, { body: { is_completed: true } })
    await ada.call('DELETE', `/api/tasks/${eggs.id}`)
    await ada.call('PATCH', `/api/tasks/${salt.id}`, { body: { title: 'sea salt' } })
    await offline(page, false)

    const choices = problems(page).getByRole('listitem')
    await choices.nth(3).waitFor()
    await network(page, '4 changes waiting')
    t.strictSame(await choices.locator('.mine').allTextContents(),
      ['Yours: oat milk · open', 'Yours: white bread · Rye · open', 'Yours: six eggs · open', 'Yours: deleted'])
    t.strictSame(await choices.locator('.theirs').allTextContents(),
      ['Elsewhere: soy milk · open', 'Elsewhere: bread · Rye · done', 'Elsewhere: deleted', 'Elsewhere: sea salt · open'])
    await page.screenshot({ path: join(tmpdir(), 'todo-backend-example-decide.png'), fullPage: true })
    await shows(page, 'sea salt', 'bread', 'soy milk')

    await choices.getByRole('button', { name: 'Keep yours: milk' }).click()
    await told(page, 'Kept yours: milk')
    await choices.getByRole('button', { name: 'Keep the other one: bread' }).click()
    await told(page, 'Left as it is: bread')
    await choices.getByRole('button', { name: 'Keep yours: eggs' }).click()
    await told(page, 'Kept yours: eggs')
    await choices.getByRole('button', { name: 'Keep the other one: salt' }).click()
    await told(page, 'Left as it is: salt')
    await network(page, '')
    t.notOk(await problems(page).isVisible())
    const kept = await tasksOf(ada)
    t.strictSame(kept.map(({ title }) => title), ['oat milk', 'bread', 'sea salt', 'six eggs'])
    t.ok(kept[1]!.is_completed)
  })

  t.test('what was done though its answer was lost counts as done, is done once, and nobody is asked', async (t) => {
    const ada = await signUp()
    await ada.add('milk')
    await ada.add('bread')
    const page = await visitAs(t, ada)
    await shows(page, 'bread', 'milk')
    /** The next request of a method arrives, and its answer does not. */
    const loseAnswer = async (method: string) => {
      let isLost = false
      await page.route(/\/api\/tasks/, async (route) => {
        if (isLost || route.request().method() !== method) return route.fallback()
        isLost = true
        await route.fetch()
        await route.abort('internetdisconnected')
      })
    }
    await loseAnswer('PATCH')
    await edit(page, 'milk', 'oat milk')
    await network(page, '')
    await loseAnswer('POST')
    await add(page, 'eggs')
    await network(page, '')
    await loseAnswer('DELETE')
    await remove(page, 'bread')
    await told(page, 'Deleted bread')
    await network(page, '')
    await shows(page, 'eggs', 'oat milk')
    t.notOk(await problems(page).isVisible())
    t.strictSame((await tasksOf(ada)).map(({ title }) => title), ['oat milk', 'eggs'])
  })

  t.test('a task that is edited while the server makes it is saved, and stays where it is', async (t) => {
    const ada = await signUp()
    const page = await visitAs(t, ada)
    await offline(page)
    await add(page, 'eggs')
    await page.getByRole('button', { name: 'Edit eggs' }).click()
    const editor = form(page, 'Edit eggs')
    await editor.getByLabel('Description').fill('Six')
    await offline(page, false)
    await network(page, '')
    t.ok(await isFocused(editor.getByLabel('Description')))
    await editor.getByRole('button', { name: 'Save' }).click()
    await told(page, 'Saved eggs')
    await shows(page, 'eggs')
    t.match(await tasksOf(ada), [{ title: 'eggs', description: 'Six' }])
  })

  t.test('what the server refuses later is told, and can be discarded; the rest goes on', async (t) => {
    const ada = await signUp()
    const page = await visitAs(t, ada)
    await offline(page)
    await add(page, 'x'.repeat(201))
    await check(page, 'x'.repeat(201))
    await add(page, 'eggs')
    await offline(page, false)
    await problems(page).getByText('at most 200 characters').waitFor()
    await network(page, '2 changes waiting')
    await problems(page).getByRole('button', { name: 'Discard' }).click()
    await network(page, '')
    await shows(page, 'eggs')
    t.strictSame((await tasksOf(ada)).map(({ title }) => title), ['eggs'])
  })

  t.test('a session that has ended while something waited is begun again, and it is sent', async (t) => {
    const ada = await signUp()
    const page = await visitAs(t, ada)
    await offline(page)
    await add(page, 'eggs')
    await endSessions(ada)
    await offline(page, false)
    const dialog = page.getByRole('dialog', { name: 'Log in again' })
    await dialog.getByLabel('Password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await network(page, '')
    await shows(page, 'eggs')
    t.match(await tasksOf({ ...ada, call: async (method, url) => call(method, url, { token: (await call('POST', '/api/auth/login', { body: { email: ada.email, password: PASSWORD } })).body.access_token }) }), [{ title: 'eggs' }])
  })
}

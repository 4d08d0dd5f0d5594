import type { Page } from 'playwright-core'
import t from 'tap'
import { until } from '../support/until.js'
import { add, form, isFocused, logIn, openExample, shows, told, type Example } from './example.js'

const example = await openExample(t)
if (example) testsOf(example)

const edit = async (page: Page, title: string, next: string) => {
  await page.getByRole('button', { name: `Edit ${title}` }).click()
  await form(page, `Edit ${title}`).getByLabel('Title').fill(next)
  await form(page, `Edit ${title}`).getByRole('button', { name: 'Save' }).click()
  await told(page, `Saved ${next}`)
}

function testsOf ({ signUp, visitAs, openContext, openTab }: Example) {
  t.test('two windows show each other what is done in them, and disturb nobody who is writing', async (t) => {
    const ada = await signUp()
    const [one, two] = [await visitAs(t, ada), await visitAs(t, ada)]
    await add(one, 'Buy milk')
    await shows(two, 'Buy milk')
    await add(two, 'Buy bread')
    await shows(one, 'Buy bread', 'Buy milk')
    await one.getByRole('checkbox', { name: 'Buy milk' }).click()
    await two.locator('.completed').getByText('Buy milk').waitFor()

    await two.getByRole('button', { name: 'Edit Buy bread' }).click()
    const editor = form(two, 'Edit Buy bread')
    await editor.getByLabel('Description').fill('Rye')
    await edit(one, 'Buy milk', 'Buy oat milk')
    await add(one, 'Buy eggs')
    await one.getByRole('button', { name: 'Delete Buy oat milk' }).click()
    await two.getByText('Buy eggs').waitFor()
    await until('it is gone', async () => await two.getByText('Buy oat milk').count() === 0)
    t.equal(await editor.getByLabel('Description').inputValue(), 'Rye', 'what is typed stays')
    t.ok(await isFocused(editor.getByLabel('Description')), 'and so does the focus')
    await editor.getByRole('button', { name: 'Save' }).click()
    await one.getByText('Rye').waitFor()
    await shows(two, 'Buy eggs', 'Buy bread')
  })

  t.test('the focus moves on when what had it is deleted elsewhere', async (t) => {
    const ada = await signUp()
    const task = await ada.add('Buy milk')
    await ada.add('Buy bread')
    const page = await visitAs(t, ada)
    await page.getByRole('button', { name: 'Delete Buy bread' }).focus()
    await ada.add('Buy eggs')
    await shows(page, 'Buy eggs', 'Buy bread', 'Buy milk')
    t.ok(await isFocused(page.getByRole('button', { name: 'Delete Buy bread' })), 'a new row leaves it where it is')
    await page.getByRole('button', { name: 'Delete Buy milk' }).focus()
    await ada.call('DELETE', `/api/tasks/${task.id}`)
    await shows(page, 'Buy eggs', 'Buy bread')
    t.ok(await isFocused(page.getByRole('checkbox', { name: 'Buy bread' })))
  })

  t.test('eight tabs show what happens, by one stream, whichever of them are closed', async (t) => {
    const ada = await signUp()
    const context = await openContext(t)
    const streams = new Set<Page>()
    context.on('request', (request) => { if (/\/api\/tasks\/(events|changes)/.test(request.url())) streams.add(request.frame().page()) })
    const first = await openTab(context)
    await logIn(first, ada.email)
    await told(first, 'Logged in as')
    const tabs = [first]
    while (tabs.length < 8) tabs.push(await openTab(context))
    await ada.add('Buy milk')
    for (const tab of tabs) await shows(tab, 'Buy milk')
    t.strictSame([...streams], [first], 'one tab follows for all')

    await add(tabs[7]!, 'Buy bread')
    for (const tab of tabs) await shows(tab, 'Buy bread', 'Buy milk')
    await first.close()
    await tabs[3]!.close()
    await ada.add('Buy eggs')
    for (const tab of tabs.filter((each) => !each.isClosed())) await shows(tab, 'Buy eggs', 'Buy bread', 'Buy milk')
    t.equal(streams.size, 2, 'another one goes on')
  })
}

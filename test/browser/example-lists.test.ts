import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { add, form, isFocused, openExample, titles, told, type Example } from './example.js'

const example = await openExample(t)
if (example) testsOf(example)

/** Looks for words, in an order. */
async function find (page: Page, q: string, order?: string): Promise<void> {
  const search = page.getByRole('search', { name: 'Find tasks' })
  await search.getByLabel('Words').fill(q)
  if (order) await search.getByLabel('Order').selectOption({ label: order })
  await search.getByRole('button', { name: 'Find' }).click()
}

const due = async (page: Page) => page.locator('#tasks .due').allTextContents()

function testsOf ({ signUp, visitAs }: Example) {
  t.test('tasks are found by their words and sorted, also a part at a time', async (t) => {
    const ada = await signUp()
    for (let n = 0; n < 13; n++) await ada.add(`Buy ${n}`)
    await ada.add('Call Bob', 'about the milk')
    const page = await visitAs(t, ada)
    await page.getByText('Call Bob').waitFor()
    await find(page, ' MILK ')
    await told(page, 'Found: 1')
    t.strictSame(await titles(page), ['Call Bob'])
    await find(page, 'buy', 'oldest first')
    await told(page, 'Found: 13')
    await page.getByRole('button', { name: 'Show more' }).click()
    await page.getByText('Buy 12', { exact: true }).waitFor()
    t.strictSame(await titles(page), Array.from({ length: 13 }, (_, n) => `Buy ${n}`))
    await add(page, 'Buy more')
    t.equal((await titles(page)).at(-1), 'Buy more', 'where it belongs')
    await find(page, 'nothing')
    await told(page, 'Found: 0')
    t.strictSame(await titles(page), [])
    await page.getByRole('button', { name: 'Log out' }).click()
    await told(page, 'Logged out')
    t.equal(await page.locator('#find input').inputValue(), '', 'nothing is left for whoever comes next')
  })

  t.test('due dates are shown, sorted by, and marked when they are over', async (t) => {
    const ada = await signUp()
    const page = await visitAs(t, ada)
    for (const [title, day] of [['Later', '9999-12-31'], ['Never', ''], ['Late', '2001-02-03']] as const) {
      await form(page, 'New task').getByLabel('Due').fill(day)
      await add(page, title)
    }
    await find(page, '', 'soonest due first')
    await told(page, 'Found: 3')
    t.strictSame(await titles(page), ['Late', 'Later', 'Never'])
    t.strictSame(await due(page), ['Overdue: Feb 3, 2001', 'Due Dec 31, 9999', ''])
    t.equal(await page.locator('#tasks .overdue').count(), 1)
    await page.screenshot({ path: join(tmpdir(), 'todo-backend-example-due.png') })
    await page.getByRole('checkbox', { name: 'Late', exact: true }).click()
    await told(page, 'Late is done')
    t.strictSame((await due(page))[0], 'Due Feb 3, 2001', 'what is done is not late')
    await page.getByRole('button', { name: 'Edit Later' }).click()
    await form(page, 'Edit Later').getByLabel('Due').fill('')
    await form(page, 'Edit Later').getByRole('button', { name: 'Save' }).click()
    await told(page, 'Saved Later')
    t.strictSame((await due(page))[1], '')
  })

  t.test('a task that was changed elsewhere meanwhile is shown in both versions', async (t) => {
    const ada = await signUp()
    const { id } = await ada.add('Buy milk', 'Two litres')
    const page = await visitAs(t, ada)
    const edit = async (name: string, title: string) => {
      await page.getByRole('button', { name: `Edit ${name}` }).click()
      await form(page, `Edit ${name}`).getByLabel('Title').fill(title)
      await ada.call('PATCH', `/api/tasks/${id}`, { body: { title: 'Buy bread', due_date: '2001-02-03' } })
      await form(page, `Edit ${name}`).getByRole('button', { name: 'Save' }).click()
      await page.getByText('Changed elsewhere meanwhile').waitFor()
    }
    await edit('Buy milk', 'Buy oat milk')
    const editor = form(page, 'Edit Buy milk')
    t.equal(await editor.getByLabel('Title').inputValue(), 'Buy oat milk', 'what was typed')
    t.equal(await editor.locator('.conflict .title').textContent(), 'Buy bread', 'and what is stored')
    t.equal(await editor.locator('.conflict .due').textContent(), 'Due Feb 3, 2001')
    t.ok(await isFocused(editor.getByRole('button', { name: 'Keep this one' })))
    await page.screenshot({ path: join(tmpdir(), 'todo-backend-example-conflict.png') })
    t.match((await ada.call('GET', `/api/tasks/${id}`)).body, { title: 'Buy bread' }, 'nothing is overwritten')
    await editor.getByRole('button', { name: 'Save' }).click()
    await told(page, 'Saved Buy oat milk')
    t.match((await ada.call('GET', `/api/tasks/${id}`)).body, { title: 'Buy oat milk', description: 'Two litres', due_date: null })

    await edit('Buy oat milk', 'Buy eggs')
    await page.getByRole('button', { name: 'Keep this one' }).click()
    await page.getByRole('button', { name: 'Edit Buy bread' }).waitFor()
    t.match((await ada.call('GET', `/api/tasks/${id}`)).body, { title: 'Buy bread' })
  })
}

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import t from 'tap'
import { PASSWORD } from '../helper.js'
import { add, form, isFocused, openExample, shows, titles, told, wrong, type Example } from './example.js'

const example = await openExample(t)
if (example) testsOf(example)

function testsOf ({ signUp, sql, visit, visitAs }: Example) {
  t.test('a person signs up, adds tasks, edits one, completes it, reopens it and deletes it', async (t) => {
    const page = await visit(t)
    const signUpForm = form(page, 'Sign up')
    await signUpForm.getByLabel('Name').fill('Grace')
    await signUpForm.getByLabel('Email').fill('grace@example.com')
    await signUpForm.getByLabel('Password').fill(PASSWORD)
    await signUpForm.getByRole('button').click()
    await told(page, 'Welcome, Grace')
    t.ok(await isFocused(form(page, 'New task').getByLabel('Title')))
    t.ok(await page.getByText('Nothing to do.').isVisible())

    await add(page, 'Buy milk', 'Two litres')
    t.ok(await isFocused(form(page, 'New task').getByLabel('Title')), 'ready for the next task')
    await add(page, '<img src=x onerror=alert(1)>')
    t.strictSame(await titles(page), ['<img src=x onerror=alert(1)>', 'Buy milk'])
    t.notOk(await page.getByText('Nothing to do.').isVisible())

    await page.getByRole('button', { name: 'Edit Buy milk' }).click()
    const editor = form(page, 'Edit Buy milk')
    await editor.waitFor()
    t.ok(await isFocused(editor.getByLabel('Title')))
    t.equal(await editor.getByLabel('Description').inputValue(), 'Two litres')
    await editor.getByLabel('Title').fill('Buy oat milk')
    await editor.getByLabel('Description').fill('')
    await editor.getByRole('button', { name: 'Save' }).click()
    await told(page, 'Saved Buy oat milk')
    t.ok(await isFocused(page.getByRole('button', { name: 'Edit Buy oat milk' })))

    const done = page.getByRole('checkbox', { name: 'Buy oat milk' })
    await done.click()
    await told(page, 'Buy oat milk is done')
    t.ok(await done.isChecked())
    await page.screenshot({ path: join(tmpdir(), 'todo-backend-example.png') })
    const kept = async () => sql("select title, description, is_completed as done from todo.tasks where title like 'Buy%'")
    t.strictSame(await kept(), [{ title: 'Buy oat milk', description: null, done: true }])
    await done.click()
    await told(page, 'Buy oat milk is open')
    t.notOk(await done.isChecked())

    await page.getByRole('button', { name: 'Delete <img' }).click()
    await told(page, 'Deleted <img')
    t.ok(await isFocused(done), 'the focus goes to the next task')
    await page.getByRole('button', { name: 'Delete Buy oat milk' }).click()
    await told(page, 'Deleted Buy oat milk')
    t.ok(await isFocused(page.getByRole('heading', { name: 'Your tasks' })))
    t.ok(await page.getByText('Nothing to do.').isVisible())
    t.strictSame(await kept(), [])
  })

  t.test('a broken rule is told beside its field, until it is mended', async (t) => {
    const page = await visit(t)
    const signUpForm = form(page, 'Sign up')
    const [email, password, name] = ['Email', 'Password', 'Name'].map((label) => signUpForm.getByLabel(label)) as [Locator, Locator, Locator]
    await email.fill('grace')
    await password.fill('short')
    await signUpForm.getByRole('button').click()
    await signUpForm.getByText('must be an email address').waitFor()
    t.equal(await wrong(email), 'must be an email address')
    t.match(await wrong(password), /at least 8 characters/)
    t.match(await wrong(name), /at least 1 character/)
    t.ok(await isFocused(name), 'the first wrong field has the focus')
    t.equal(await email.inputValue(), 'grace')
    await page.screenshot({ path: join(tmpdir(), 'todo-backend-example-errors.png') })

    await email.fill((await signUp()).email)
    await password.fill(PASSWORD)
    await name.fill('Grace')
    await signUpForm.getByRole('button').click()
    await signUpForm.getByRole('alert').getByText('Email already exists').waitFor()
    t.strictSame([await wrong(email), await wrong(password), await wrong(name)], [null, null, null])
  })

  t.test('a task that breaks a rule keeps what was typed, new or edited', async (t) => {
    const ada = await signUp()
    await ada.add('Buy milk')
    const page = await visitAs(t, ada)
    const fields = form(page, 'New task')
    await fields.getByLabel('Description').fill('Two litres')
    await fields.getByRole('button').click()
    await fields.getByText('must').waitFor()
    t.match(await wrong(fields.getByLabel('Title')), /must/)
    t.equal(await fields.getByLabel('Description').inputValue(), 'Two litres')

    await page.getByRole('button', { name: 'Edit Buy milk' }).click()
    const editor = form(page, 'Edit Buy milk')
    await editor.getByLabel('Title').fill('x'.repeat(201))
    await editor.getByRole('button', { name: 'Save' }).click()
    await editor.getByText('must').waitFor()
    t.match(await wrong(editor.getByLabel('Title')), /at most 200 characters/)
    await editor.getByRole('button', { name: 'Cancel' }).click()
    t.strictSame(await titles(page), ['Buy milk'])
    t.ok(await isFocused(page.getByRole('button', { name: 'Edit Buy milk' })))
  })

  t.test('a long list is shown a part at a time, each task once, also when some were added meanwhile', async (t) => {
    const ada = await signUp()
    const expected = Array.from({ length: 23 }, (_, n) => `task ${22 - n}`)
    for (const title of [...expected].reverse()) await ada.add(title)
    const page = await visitAs(t, ada)
    const more = page.getByRole('button', { name: 'Show more' })
    await shows(page, ...expected.slice(0, 10))
    await ada.add('from another device')
    await page.getByText('from another device').waitFor()
    await add(page, 'from here')
    await more.click()
    await page.getByText('task 5', { exact: true }).waitFor()
    t.ok(await isFocused(page.getByRole('checkbox', { name: 'task 14' })), 'the focus goes to the first new one')
    await more.click()
    await shows(page, 'from here', 'from another device', ...expected)
    t.notOk(await more.isVisible())
  })

  t.test('two clicks add one task', async (t) => {
    const ada = await signUp()
    const page = await visitAs(t, ada)
    await form(page, 'New task').getByLabel('Title').fill('Buy milk')
    await form(page, 'New task').getByRole('button').dblclick()
    await told(page, 'Added Buy milk')
    await page.reload()
    await page.getByRole('checkbox').first().waitFor()
    t.strictSame(await titles(page), ['Buy milk'])
  })
}

import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { PASSWORD } from '../helper.js'
import { form, isFocused, logIn, openExample, told, wrong, type Example } from './example.js'

const example = await openExample(t)
if (example) testsOf(example)

const NEW_PASSWORD = 'another correct horse'

/** Fills a form and sends it. */
async function send (page: Page, name: string, fields: Record<string, string>): Promise<void> {
  for (const [label, text] of Object.entries(fields)) await form(page, name).getByLabel(label, { exact: true }).fill(text)
  await form(page, name).getByRole('button').first().click()
}

const refused = async (page: Page, name: string, text: string) => form(page, name).getByRole('alert').getByText(text).waitFor()

function testsOf ({ signUp, sql, call, origin, visit, visitAs, openContext, openTab, linkTo }: Example) {
  const settingsOf = async (t: Parameters<typeof visitAs>[0], person: { email: string }) => {
    const page = await visitAs(t, person)
    await page.getByRole('button', { name: 'Account' }).click()
    await page.getByRole('button', { name: 'Log out everywhere else' }).waitFor()
    return page
  }
  const canLogIn = async (email: string, password: string) =>
    (await call('POST', '/api/auth/login', { body: { email, password } })).status === 200

  t.test('a name is changed, and shown; one that breaks a rule keeps what was typed', async (t) => {
    const page = await settingsOf(t, await signUp())
    t.ok(await isFocused(page.getByRole('heading', { name: 'Your account' })), 'a screen reader begins where it belongs')
    const name = form(page, 'Name').getByLabel('Name')
    t.equal(await name.inputValue(), 'Ada')
    await send(page, 'Name', { Name: ' ' })
    await form(page, 'Name').getByText('must').waitFor()
    t.match(await wrong(name), /must/)
    await send(page, 'Name', { Name: 'Ada, עדה' })
    await told(page, 'Your name is Ada, עדה')
    t.equal(await page.locator('#who').textContent(), 'Ada, עדה')
    t.equal(await wrong(name), null)
    await page.screenshot({ path: join(tmpdir(), 'todo-backend-example-account.png'), fullPage: true })
    await page.getByRole('button', { name: 'Back to your tasks' }).click()
    t.ok(await isFocused(page.getByRole('heading', { name: 'Your tasks' })))
    await page.reload()
    await page.locator('#who').getByText('Ada, עדה').waitFor()
  })

  t.test('a password is changed: this tab goes on, the other devices do not', async (t) => {
    const ada = await signUp()
    const [page, other] = [await settingsOf(t, ada), await visitAs(t, ada)]
    await send(page, 'Password', { 'Password now': 'wrong', 'New password, at least 8 characters': NEW_PASSWORD })
    await refused(page, 'Password', 'Wrong password')
    await send(page, 'Password', { 'Password now': PASSWORD, 'New password, at least 8 characters': NEW_PASSWORD })
    await told(page, 'Your password is changed')
    t.strictSame([await canLogIn(ada.email, PASSWORD), await canLogIn(ada.email, NEW_PASSWORD)], [false, true])
    await page.reload()
    await page.locator('#who').getByText('Ada').waitFor()
    await other.getByRole('alert').getByText('Your session has ended').waitFor()
  })

  t.test('an address is confirmed by the link of the mail, once it was sent again', async (t) => {
    const ada = await signUp()
    const page = await visitAs(t, ada)
    await page.getByText('Your email address is not confirmed yet.').waitFor()
    await page.getByRole('button', { name: 'Send the mail again' }).click()
    await told(page, 'The mail is on its way')
    const link = await linkTo(ada.email, 2)
    // In the tab that is there: the page is not loaded anew.
    await page.goto(`${origin}/${link}`)
    const confirm = form(page, 'Your email address')
    await confirm.waitFor()
    t.equal(page.url(), `${origin}/`, 'no history keeps the token')
    t.ok(await isFocused(confirm.getByRole('button', { name: 'Yes' })))
    t.strictSame(await sql('select email_verified from todo.users where id = $1', [ada.id]), [{ email_verified: false }], 'opening it does nothing yet')
    await page.keyboard.press('Enter')
    await told(page, 'Your email address is confirmed')
    t.notOk(await page.getByText('is not confirmed yet').isVisible())
    t.strictSame(await sql('select email_verified from todo.users where id = $1', [ada.id]), [{ email_verified: true }])

    await page.goto(`${origin}/#verify_email=mistyped`)
    await confirm.getByRole('button', { name: 'Yes' }).click()
    await confirm.getByText('This link is not good any more').waitFor()
    await confirm.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('heading', { name: 'Your tasks' }).waitFor()
  })

  t.test('a new address counts once its link was opened', async (t) => {
    const [ada, eve] = [await signUp(), await signUp('Eve')]
    const page = await settingsOf(t, ada)
    const email = `new-${ada.email}`
    await send(page, 'Email', { 'New email': email, Password: 'wrong' })
    await refused(page, 'Email', 'Wrong password')
    await send(page, 'Email', { 'New email': eve.email, Password: PASSWORD })
    await refused(page, 'Email', 'Email already exists')
    await send(page, 'Email', { 'New email': email, Password: PASSWORD })
    await told(page, `Open the link in the mail to ${email}`)
    t.equal(await page.locator('#email').textContent(), ada.email)

    // In another tab, as mail programs do.
    const tab = await openTab(page.context(), await linkTo(email))
    await form(tab, 'Your email address').getByRole('button', { name: 'Yes' }).click()
    await told(tab, 'Your email address is confirmed')
    t.equal(await tab.locator('#email').textContent(), email)
    t.ok(await canLogIn(email, PASSWORD))
  })

  t.test('a forgotten password is set anew by the link of the mail, which is good once', async (t) => {
    const ada = await signUp()
    const page = await visit(t)
    await page.getByText('Forgot your password?').click()
    await send(page, 'Forgot your password?', { 'Email of your account': 'nobody' })
    await form(page, 'Forgot your password?').getByText('must be an email address').waitFor()
    await send(page, 'Forgot your password?', { 'Email of your account': ada.email })
    await told(page, 'If there is an account with this address')

    const link = await linkTo(ada.email, 2)
    t.match(link, /^#reset_password=/)
    const tab = await openTab(await openContext(t), link)
    const fields = form(tab, 'A new password')
    const field = fields.getByLabel('New password')
    await field.waitFor()
    t.equal(tab.url(), `${origin}/`)
    t.ok(await isFocused(field))
    await send(tab, 'A new password', { 'New password, at least 8 characters': 'short' })
    await fields.getByText('at least 8 characters', { exact: false }).last().waitFor()
    t.match(await wrong(field), /at least 8 characters/)
    await send(tab, 'A new password', { 'New password, at least 8 characters': NEW_PASSWORD })
    await told(tab, 'Your password is changed. Log in with the new one.')
    await logIn(tab, ada.email, NEW_PASSWORD)
    await told(tab, 'Logged in as Ada')

    const late = await openTab(page.context(), link)
    await send(late, 'A new password', { 'New password, at least 8 characters': PASSWORD })
    await refused(late, 'A new password', 'This link is not good any more')
    t.ok(await canLogIn(ada.email, NEW_PASSWORD))
  })

  t.test('a person takes their data along', async (t) => {
    const ada = await signUp()
    await ada.add('Buy milk 🥛')
    const page = await settingsOf(t, ada)
    const [download] = await Promise.all([
      page.waitForEvent('download'), page.getByRole('button', { name: 'Download my data' }).click()
    ])
    await told(page, 'Downloaded')
    t.equal(download.suggestedFilename(), 'todo-export.json')
    t.match(JSON.parse(await readFile(await download.path(), 'utf8')), { user: { email: ada.email }, tasks: [{ title: 'Buy milk 🥛' }] })
  })

  t.test('a person leaves: the account is gone, and nothing of it stays in the browser', async (t) => {
    const ada = await signUp()
    const page = await settingsOf(t, ada)
    await send(page, 'Leave', { Password: 'wrong' })
    await refused(page, 'Leave', 'Wrong password')
    await send(page, 'Leave', { Password: PASSWORD })
    await told(page, 'Your account and its tasks are deleted')
    t.ok(await isFocused(form(page, 'Log in').getByLabel('Email')))
    t.equal(await page.evaluate('localStorage.length'), 0)
    t.notMatch(await page.locator('body').innerHTML(), ada.email)
    await logIn(page, ada.email)
    await refused(page, 'Log in', 'Invalid email or password')
  })

  t.test('a screen reader finds a name for every control of the account, and its parts', async (t) => {
    const page = await settingsOf(t, await signUp())
    const snapshot = await page.locator('#settings').ariaSnapshot()
    for (const name of ['Your account', 'Email', 'Password', 'Where I am logged in', 'Leave']) t.match(snapshot, `region "${name}"`)
    for (const name of ['New email', 'Password now', 'New password, at least 8 characters', 'Name']) t.match(snapshot, `textbox "${name}"`)
    t.notMatch(snapshot, /- (textbox|button|form|region)(:|$)/m, 'nothing without a name')
  })
}

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PASSWORD } from '../helper.js'
import { until } from '../support/until.js'
import { form, isFocused, logIn, openExample, titles, told, type Example } from './example.js'

const example = await openExample(t)
if (example) testsOf(example)

function testsOf ({ signUp, visit, visitAs, endSessions }: Example) {
  t.test('a session that has ended asks to log in again and loses nothing that was typed', async (t) => {
    const ada = await signUp()
    await ada.add('Buy milk')
    const page = await visitAs(t, ada)
    const fields = form(page, 'New task')
    await page.getByRole('button', { name: 'Edit Buy milk' }).click()
    await form(page, 'Edit Buy milk').getByLabel('Title').fill('Buy oat milk')
    await fields.getByLabel('Title').fill('Buy bread')
    await fields.getByLabel('Description').fill('Rye')
    await endSessions(ada)

    const dialog = page.getByRole('dialog', { name: 'Log in again' })
    await dialog.waitFor()
    await page.screenshot({ path: join(tmpdir(), 'todo-backend-example-expired.png') })
    t.equal(await dialog.getByLabel('Email').inputValue(), ada.email)
    t.ok(await isFocused(dialog.getByLabel('Password')))
    await page.keyboard.press('Escape')
    await fields.getByRole('button').click()
    await dialog.getByRole('button', { name: 'Not now' }).click()
    await fields.getByRole('alert').getByText('you are not logged in').waitFor()
    t.equal(await fields.getByLabel('Description').inputValue(), 'Rye')

    await fields.getByRole('button').click()
    await dialog.getByLabel('Password').fill('wrong')
    await dialog.getByRole('button', { name: 'Log in' }).click()
    await dialog.getByRole('alert').getByText('Invalid email or password').waitFor()
    await dialog.getByLabel('Password').fill(PASSWORD)
    await dialog.getByRole('button', { name: 'Log in' }).click()
    await told(page, 'Added Buy bread')
    t.notOk(await dialog.isVisible())
    t.equal(await form(page, 'Edit Buy milk').getByLabel('Title').inputValue(), 'Buy oat milk')
    await form(page, 'Edit Buy milk').getByRole('button', { name: 'Save' }).click()
    await told(page, 'Saved Buy oat milk')
    t.strictSame(await titles(page), ['Buy bread', 'Buy oat milk'])
  })

  t.test('a session that has ended, or a logout, leaves nothing behind', async (t) => {
    const ada = await signUp()
    await ada.add('Secret')
    const page = await visitAs(t, ada)
    await page.getByText('Secret').waitFor()
    await endSessions(ada)
    await page.getByRole('alert').getByText('Your session has ended').waitFor()
    t.ok(await isFocused(form(page, 'Log in').getByLabel('Email')))

    const eve = await signUp('Eve')
    await logIn(page, ada.email)
    await form(page, 'New task').getByLabel('Title').fill('Half a secret')
    await page.getByRole('button', { name: 'Log out' }).click()
    await told(page, 'Logged out')
    t.equal(await page.evaluate('localStorage.length'), 0)
    await until('nothing is kept', async () => (await page.evaluate<unknown[]>('indexedDB.databases()')).length === 0)
    t.equal(await page.locator('#tasks').textContent(), '')
    await logIn(page, eve.email)
    await told(page, 'Logged in as Eve')
    t.strictSame(await titles(page), [])
    t.equal(await form(page, 'New task').getByLabel('Title').inputValue(), '')
  })

  t.test('the keyboard alone is enough, and shows where it is', async (t) => {
    const page = await visit(t)
    const { keyboard } = page
    /** Moves on until the control with this name has the focus, which can be seen. */
    const tabTo = async (name: string) => {
      for (let steps = 0; steps < 15; steps++) {
        await keyboard.press('Tab')
        const { label, outline } = await page.evaluate<{ label: string, outline: string }>(`(() => {
          const control = document.activeElement
          const label = control.ariaLabel || (control.labels?.[0] ?? control).textContent.trim()
          return { label, outline: getComputedStyle(control).outlineStyle }
        })()`)
        t.equal(outline, 'solid', `the focus on ${label} can be seen`)
        if (label.startsWith(name)) return
      }
      throw new Error(`Tab does not get to ${name}`)
    }
    await tabTo('Name')
    await keyboard.type('Joan')
    await tabTo('Email')
    await keyboard.type('joan@example.com')
    await tabTo('Password')
    await keyboard.type(PASSWORD)
    await keyboard.press('Enter')
    await told(page, 'Welcome, Joan')
    await keyboard.type('Buy milk')
    await keyboard.press('Enter')
    await told(page, 'Added Buy milk')
    await tabTo('Buy milk')
    await keyboard.press('Space')
    await told(page, 'Buy milk is done')
    await tabTo('Edit Buy milk')
    await keyboard.press('Enter')
    await form(page, 'Edit Buy milk').waitFor()
    await keyboard.press('Control+A')
    await keyboard.type('Buy oat milk')
    await keyboard.press('Enter')
    await told(page, 'Saved Buy oat milk')
    await tabTo('Delete Buy oat milk')
    await keyboard.press('Space')
    await told(page, 'Deleted Buy oat milk')
    t.strictSame(await titles(page), [])
  })

  t.test('a screen reader finds a name for every control, and the page in its parts', async (t) => {
    const ada = await signUp()
    await ada.add('Buy milk')
    await ada.add('Buy bread')
    const page = await visit(t)
    const cdp = await page.context().newCDPSession(page)
    const nameless = async () => {
      const { nodes } = await cdp.send('Accessibility.getFullAXTree')
      const controls = nodes.filter(({ role, ignored }) => !ignored && /^(textbox|searchbox|combobox|Date|search|button|checkbox|dialog|form|region|list)$/.test(String(role?.value)))
      t.ok(controls.length >= 7)
      return controls.filter(({ name }) => !name?.value).map(({ role }) => role?.value)
    }
    t.strictSame(await nameless(), [])
    await logIn(page, ada.email)
    await told(page, 'Logged in as')
    await page.getByRole('button', { name: 'Edit Buy milk' }).click()
    await form(page, 'Edit Buy milk').waitFor()
    t.strictSame(await nameless(), [])
    t.equal(await page.locator('html').getAttribute('lang'), 'en')
    t.equal(await page.locator('[onclick], [onsubmit], [onchange]').count(), 0)
    const parts = (await page.locator('body').ariaSnapshot()).split('\n').map((line) => line.replace(/^[\s-]*/, ''))
    const landmarks = parts.filter((line) => /^(banner|main|region|heading|list(item)?)\b/.test(line))
    t.strictSame(landmarks.map((line) => line.replace(/:$/, '')), [
      'banner', 'heading "To-do" [level=1]', 'main',
      'region "New task"', 'heading "New task" [level=2]', 'region "Your tasks"', 'heading "Your tasks" [level=2]', 'list "Your tasks"',
      'listitem', 'listitem'
    ])
    await endSessions(ada)
    await page.getByRole('dialog').waitFor()
    t.match(await page.getByRole('dialog').ariaSnapshot(), /textbox "Email".*textbox "Password".*button "Log in".*button "Not now"/s)
  })
}

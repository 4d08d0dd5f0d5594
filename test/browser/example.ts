import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Locator, Page } from 'playwright-core'
import type { Test } from 'tap'
import { examplePages } from '../../client/example/pages.js'
import { PASSWORD, startApp } from '../helper.js'
import { openBrowser } from '../support/browser.js'

/**
 * The example on an origin of its own, which an API of its own allows, in a browser; and what people do with it.
 * @returns null without a browser
 */
export async function openExample (t: Test) {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`
  const api = await startApp(t, { settings: { CORS_ORIGINS: origin } })
  t.teardown(() => { server.close().closeAllConnections() })
  const browser = await openBrowser(t)
  if (!browser) return null
  server.on('request', examplePages(await api.app.listen({ port: 0, host: '127.0.0.1' })))

  /** The example in a browser of its own, without a single error in the console. */
  async function visit (t: Test): Promise<Page> {
    const context = await browser!.newContext({ viewport: { width: 800, height: 900 } })
    context.setDefaultTimeout(20_000)
    const page = await context.newPage()
    const errors: string[] = []
    page.on('pageerror', ({ message }) => errors.push(message))
    page.on('console', (message) => {
      // A browser calls every 4xx an error; the page shows what it says.
      if (['error', 'warning'].includes(message.type()) && !/status of 4\d\d|ERR_INTERNET_DISCONNECTED/.test(message.text())) errors.push(message.text())
    })
    page.on('request', (request) => {
      if (!/^http:\/\/(localhost|127\.0\.0\.1):/.test(request.url())) errors.push(`asked ${request.url()}`)
    })
    t.teardown(async () => {
      await context.close()
      if (errors.length > 0) throw new Error(`in the console: ${errors.join('; ')}`)
    })
    await page.goto(origin)
    await form(page, 'Log in').waitFor()
    return page
  }

  /** The example as somebody with an account sees it. */
  async function visitAs (t: Test, { email }: { email: string }): Promise<Page> {
    const page = await visit(t)
    await form(page, 'Log in').getByLabel('Email').fill(email)
    await form(page, 'Log in').getByLabel('Password').fill(PASSWORD)
    await form(page, 'Log in').getByRole('button').click()
    await told(page, 'Logged in as')
    return page
  }

  /** From now on the page's token is the one of a login that was over a second ago. */
  async function expire (page: Page, sub: string): Promise<void> {
    const token = api.app.jwt.present.sign({ sub, iat: 1, exp: Math.floor(Date.now() / 1000) - 1 })
    await page.evaluate(`sessionStorage.setItem('token', ${JSON.stringify(token)})`)
  }

  return { ...api, visit, visitAs, expire }
}

/** The example, open. */
export type Example = NonNullable<Awaited<ReturnType<typeof openExample>>>

/** A form by its name. */
export const form = (page: Page, name: string) => page.getByRole('form', { name, exact: true })

/** Waits until a screen reader was told. */
export const told = async (page: Page, text: string) => page.locator('#status').getByText(text).waitFor()

/** The list, from top to bottom. */
export const titles = async (page: Page) => page.locator('#tasks .title').allTextContents()

export const isFocused = async (control: Locator) => await control.and(control.page().locator(':focus')).count() === 1

/** What a field is described by when it is said to be invalid. */
export async function wrong (field: Locator): Promise<string | null> {
  if (await field.getAttribute('aria-invalid') !== 'true') return null
  return field.page().locator(`#${await field.getAttribute('aria-describedby')}`).textContent()
}

/** Adds a task. */
export async function add (page: Page, title: string, description = ''): Promise<void> {
  await form(page, 'New task').getByLabel('Title').fill(title)
  await form(page, 'New task').getByLabel('Description').fill(description)
  await form(page, 'New task').getByRole('button').click()
  await told(page, `Added ${title}`)
}

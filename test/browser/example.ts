import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import type { Test } from 'tap'
import { examplePages } from '../../client/example/pages.js'
import type { LoginAnswer } from '../../src/schemas/auth.js'
import { PASSWORD, startApp } from '../helper.js'
import { openBrowser } from '../support/browser.js'
import { smtpServer } from '../support/smtp-server.js'
import { until } from '../support/until.js'

/**
 * A browser calls every 4xx an error, and every answer that does not come; the page shows what it is told. And it keeps its cache
 * where a logout, sent without cookies to another origin, would have it cleared: nothing in there is shown to anybody else.
 */
const HARMLESS = /status of (4\d\d|503)|net::ERR_|Clear-Site-Data/

/** An origin for the example, where it is served once its API is there. */
export async function openOrigin (t: Test) {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  t.teardown(() => { server.close().closeAllConnections() })
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    serve (api: string) { server.on('request', examplePages(api)) }
  }
}

/** People and their tabs. */
export function tabsOf (browser: Browser, origin: string) {
  return {
    /** A browser of one person, without a single error in the console. */
    async openContext (t: Test): Promise<BrowserContext> {
      const context = await browser.newContext({ viewport: { width: 800, height: 900 } })
      context.setDefaultTimeout(20_000)
      context.setDefaultNavigationTimeout(60_000)
      const errors: string[] = []
      context.on('weberror', (error) => errors.push(error.error().message))
      context.on('console', (message) => {
        if (['error', 'warning'].includes(message.type()) && !HARMLESS.test(message.text())) errors.push(message.text())
      })
      context.on('request', (request) => {
        if (!/^(http:\/\/(localhost|127\.0\.0\.1):|blob:)/.test(request.url())) errors.push(`asked ${request.url()}`)
      })
      t.teardown(async () => {
        await context.close()
        if (errors.length > 0) throw new Error(`in the console: ${errors.join('; ')}`)
      })
      return context
    },

    /** The example in a tab. */
    async openTab (context: BrowserContext, fragment = ''): Promise<Page> {
      const page = await context.newPage()
      await page.goto(`${origin}/${fragment}`)
      return page
    }
  }
}

/**
 * The example, with an API of its own that allows its origin, in a browser; and what people do with it.
 * @returns null without a browser
 */
export async function openExample (t: Test) {
  const { mails, url: SMTP_URL } = await smtpServer(t)
  const { origin, serve } = await openOrigin(t)
  const api = await startApp(t, { settings: { CORS_ORIGINS: origin, SMTP_URL, MAIL_FROM: 'todo@example.com', APP_URL: `${origin}/` } })
  const browser = await openBrowser(t)
  if (!browser) return null
  serve(await api.app.listen({ port: 0, host: '127.0.0.1' }))
  const { openContext, openTab } = tabsOf(browser, origin)

  /** The example in a browser of its own. */
  async function visit (t: Test): Promise<Page> {
    const page = await openTab(await openContext(t))
    await form(page, 'Log in').waitFor()
    return page
  }

  /** The example as somebody with an account sees it. */
  async function visitAs (t: Test, { email }: { email: string }): Promise<Page> {
    const page = await visit(t)
    await logIn(page, email)
    await told(page, 'Logged in as')
    return page
  }

  /** From now on the access token of the page, and of its other tabs, is the one of a login that was over a second ago. */
  async function expire (page: Page): Promise<void> {
    const token = api.app.jwt.present.sign({ sub: randomUUID(), iat: 1, exp: Math.floor(Date.now() / 1000) - 1 })
    await page.evaluate(`localStorage.setItem('todo-backend', JSON.stringify({
      ...JSON.parse(localStorage.getItem('todo-backend')), access_token: ${JSON.stringify(token)}, expires_at: Date.now() - 1000
    }))`)
  }

  /** Ends every session of somebody, from another device. */
  async function endSessions ({ email }: { email: string }): Promise<void> {
    const { body } = await api.call('POST', '/api/auth/login', { body: { email, password: PASSWORD } })
    await api.call('DELETE', '/api/auth/sessions', { token: (body as LoginAnswer).access_token })
  }

  /** The fragment of the newest link to somebody, when there are this many. */
  async function linkTo (email: string, count = 1): Promise<string> {
    const links = () => mails.filter(({ to }) => [to].flat()[0]?.text === email).flatMap(({ text }) => /#\S+/.exec(text ?? '') ?? [])
    await until(`${count} mails with a link to ${email}`, () => links().length >= count)
    return links().at(-1)!
  }

  return { ...api, origin, mails, openContext, openTab, visit, visitAs, expire, endSessions, linkTo }
}

/** The example, open. */
export type Example = NonNullable<Awaited<ReturnType<typeof openExample>>>

/** A form by its name. */
export const form = (page: Page, name: string) => page.getByRole('form', { name, exact: true })

/** Waits until the line about the network says this; nothing when all is well. */
export const network = async (page: Page, text: string) =>
  until(`the line says "${text}"`, async () => await page.locator('#online').textContent() === text)

/** Waits until the list is this, from top to bottom. */
export const shows = async (page: Page, ...expected: string[]) =>
  until(`the list is ${expected.join()}`, async () => isDeepStrictEqual(await titles(page), expected))

/** Logs somebody in. */
export async function logIn (page: Page, email: string, password = PASSWORD): Promise<void> {
  await form(page, 'Log in').getByLabel('Email').fill(email)
  await form(page, 'Log in').getByLabel('Password').fill(password)
  await form(page, 'Log in').getByRole('button').click()
}

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

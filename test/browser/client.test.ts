import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import t from 'tap'
import { examplePages } from '../../client/example/pages.js'
import { PASSWORD, startApp } from '../helper.js'
import { openBrowser } from '../support/browser.js'
import { teardown } from '../support/teardown.js'
import { until } from '../support/until.js'

/* What the client does among the tabs of a browser: one renewal, and one stream. */

const server = createServer().listen(0, 'localhost')
await once(server, 'listening')
const origin = `http://localhost:${(server.address() as AddressInfo).port}`
const { app, signUp } = await startApp(t, { settings: { CORS_ORIGINS: origin } })
teardown(t, () => { server.close().closeAllConnections() })
const api = await app.listen({ port: 0, host: '127.0.0.1' })
const refreshes: string[] = []
app.server.on('request', ({ method, url }) => { if (method === 'POST' && url === '/api/auth/refresh') refreshes.push(url) })
const pages = examplePages(api)
// Pages that do nothing by themselves but know where the client is: one of the same origin, and one of an origin of its own, that
// may keep nothing and share nothing.
server.on('request', (request, response) => {
  response.setHeader('access-control-allow-origin', '*')
  if (request.url === '/sandbox') response.setHeader('content-security-policy', 'sandbox allow-scripts')
  else if (request.url !== '/empty') return pages(request, response)
  const imports = ['openapi-fetch', 'eventsource-parser'].map((name) => `"${name}": "/client/${name}.js"`).join()
  response.setHeader('content-type', 'text/html').end(`<script type="importmap">{ "imports": { ${imports} } }</script>`)
})

const browser = await openBrowser(t)

/** A tab with a client, whose `window.tab` has what it has seen. */
async function openTab (page: Page): Promise<Page> {
  await page.goto(`${origin}/empty`)
  await page.evaluate(`(async () => {
    const { createTodoClient, localStorageStore } = await import('/client/index.js')
    const tab = window.tab = { told: [], seen: [], states: [], end: new AbortController() }
    tab.store = localStorageStore()
    tab.todo = createTodoClient({ baseUrl: '${api}', store: tab.store, onLoggedOut: (reason) => { tab.told.push(reason) } })
    tab.follow = (since) => { tab.ended = tab.todo.tasks.sync({
      since,
      signal: tab.end.signal,
      onState: (state) => { tab.states.push(state) },
      apply (changes, { position }) {
        tab.position = position
        for (const change of changes) tab.seen.push(change.task ? change.task.title : '-' + change.deleted.id)
      }
    }).then(() => null, String) }
  })()`)
  return page
}

if (browser) {
  t.test('the tabs of a browser renew once, and all are told of a logout', async (t) => {
    const { email } = await signUp()
    const context = await browser.newContext()
    t.teardown(async () => { await context.close() })
    const tabs = [await openTab(await context.newPage()), await openTab(await context.newPage())]
    await tabs[0]!.evaluate(`tab.todo.logIn({ email: '${email}', password: '${PASSWORD}' })`)
    for (let round = 0; round < 3; round++) {
      refreshes.length = 0
      await tabs[0]!.evaluate('tab.store.set({ ...tab.store.get(), expires_at: 0 })')
      const ask = 'Promise.all(Array.from({ length: 5 }, async () => (await tab.todo.me()).status))'
      t.strictSame(await Promise.all(tabs.map(async (tab) => tab.evaluate(ask))), [Array(5).fill(200), Array(5).fill(200)])
      t.equal(refreshes.length, 1, `round ${round}`)
    }
    await tabs[1]!.evaluate('tab.todo.logOut()')
    await until('the other tab knows', async () => (await tabs[0]!.evaluate('tab.told.length')) === 1, 20)
    t.strictSame(await Promise.all(tabs.map(async (tab) => tab.evaluate('tab.told'))), [['elsewhere'], []])
  })

  t.test('eight tabs share one stream, and the next one takes over when its tab is closed', async (t) => {
    const ada = await signUp()
    const context = await browser.newContext()
    t.teardown(async () => { await context.close() })
    await ada.add('before')
    const tabs: Page[] = []
    for (let n = 0; n < 8; n++) tabs.push(await openTab(await context.newPage()))
    await tabs[0]!.evaluate(`tab.todo.logIn({ email: '${ada.email}', password: '${PASSWORD}' })`)
    for (const tab of tabs) {
      await tab.evaluate('tab.follow()')
      await until('it has what there is', async () => (await tab.evaluate('tab.seen.length')) === 1, 20)
    }
    await until('a stream is open', () => app.live.count() === 1, 20)
    const expected = ['before']
    const addAndWait = async (title: string) => {
      await ada.add(title)
      expected.push(title)
      for (const tab of tabs) await until(`${title} is everywhere`, async () => (await tab.evaluate('tab.seen.length')) === expected.length, 20)
    }
    for (const title of ['1', '2']) await addAndWait(title)
    t.equal(app.live.count(), 1)
    for (let closed = 0; closed < 2; closed++) {
      await tabs.shift()!.close()
      // While nobody leads, too.
      for (const title of [`${closed} a`, `${closed} b`]) await addAndWait(title)
      await until('one stream is open', () => app.live.count() === 1, 20)
    }
    for (const tab of tabs) t.strictSame(await tab.evaluate('tab.seen'), expected, 'each has each change once, in order')

    const late = await openTab(await context.newPage())
    const position = JSON.stringify(await tabs[0]!.evaluate('tab.position'))
    await ada.add('late')
    await late.evaluate(`tab.follow(${position})`)
    await until('a tab that comes later has the rest', async () => (await late.evaluate('tab.seen.join()')) === 'late', 20)
    t.equal(app.live.count(), 1)

    for (const tab of [...tabs, late]) {
      await tab.evaluate('tab.end.abort()')
      t.equal(await tab.evaluate('tab.ended'), null)
    }
    await until('no stream is open', () => app.live.count() === 0, 20)
  })

  t.test('a page that may keep and share nothing has a session and a stream of its own', async (t) => {
    const page = await browser.newPage()
    t.teardown(async () => { await page.close() })
    await page.goto(`${origin}/sandbox`)
    const found = await page.evaluate(`(async () => {
      const [{ localStorageStore }, { joinTabs }] = await Promise.all([import('/client/index.js'), import('/client/tabs.js')])
      const store = localStorageStore()
      const before = await store.get()
      await store.set({ access_token: 'a' })
      const tabs = joinTabs('mine', new AbortController().signal)
      const storage = (() => { try { return typeof localStorage } catch ({ name }) { return name } })()
      return { storage, before, after: await store.get(), role: await tabs?.next(60000) }
    })()`)
    t.strictSame(found, { storage: 'SecurityError', before: null, after: { access_token: 'a' }, role: 'lead' })
  })
}

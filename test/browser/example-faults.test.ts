import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Page } from 'playwright-core'
import t from 'tap'
import { startCluster } from '../faults/support/cluster.js'
import { PASSWORD } from '../helper.js'
import { openBrowser } from '../support/browser.js'
import { freePort } from '../support/free-port.js'
import { start } from '../support/process.js'
import { account, request, settings } from '../support/server.js'
import { until } from '../support/until.js'
import { form, logIn, network, openOrigin, tabsOf, titles, told } from './example.js'

t.test('two windows end up with the same tasks, whatever is killed while they write', async (t) => {
  const cluster = await startCluster(t)
  if (!cluster) return
  const { origin, serve } = await openOrigin(t)
  const port = await freePort()
  const api = `http://127.0.0.1:${port}`
  const folder = mkdtempSync(join(tmpdir(), 'example-faults-'))
  const startServer = async () => {
    const server = start(t, 'server.ts', folder, { ...settings, DATABASE_URL: cluster.url, CORS_ORIGINS: origin, PORT: String(port) })
    await server.says(/API +http/)
    await until('it is ready', async () => (await fetch(`${api}/ready`).catch(() => null))?.ok)
    return server
  }
  let server = await startServer()
  const browser = await openBrowser(t)
  if (!browser) return
  serve(api)
  await request(api, 'POST', '/api/auth/signup', account)
  const { openContext, openTab } = tabsOf(browser, origin)
  const open = async () => {
    const page = await openTab(await openContext(t))
    await logIn(page, account.email, PASSWORD)
    await told(page, 'Logged in as')
    return page
  }
  const [one, two] = [await open(), await open()]
  const expected: string[] = []
  /** Waits until the list has all of it. Which of two windows comes first with what has waited, nobody knows. */
  const showsAll = async (page: Page) =>
    until('the list has all of it', async () => isDeepStrictEqual((await titles(page)).sort(), [...expected].sort()))
  const write = async (page: Page, title: string) => {
    await form(page, 'New task').getByLabel('Title').fill(title)
    await form(page, 'New task').getByRole('button').click()
    expected.push(title)
  }

  for (let round = 0; round < 2; round++) {
    // In the middle of a write, or beside it.
    await write(one, `killed ${round}`)
    server.child.kill('SIGKILL')
    await server.ended
    await told(one, `Added killed ${round}`)
    await write(two, `away ${round}`)
    await network(two, 'offline, 1 change waiting')
    server = await startServer()
    for (const page of [one, two]) {
      await network(page, '')
      await showsAll(page)
    }
  }

  await cluster.kill()
  await write(one, 'without a database')
  await network(one, 'offline, 1 change waiting')
  await one.reload()
  await network(one, 'offline, 1 change waiting')
  await showsAll(one)
  await cluster.start()
  for (const page of [one, two]) {
    await network(page, '')
    await showsAll(page)
  }
  const kept = await cluster.sql('select title from todo.tasks order by title')
  t.strictSame(kept.map(({ title }) => title), [...expected].sort(), 'each of them once')
})

import t, { type Test } from 'tap'
import type { Browser, Page } from 'playwright-core'
import type { Task } from '../../src/schemas/tasks.js'
import { startApp, type Person } from '../helper.js'
import { openBrowser } from '../support/browser.js'

/* One browser keeps one cache for all who log in with it. */

const { app, signUp } = await startApp(t)
const api = await app.listen({ host: '127.0.0.1', port: 0 })

interface Got { status: number, etag: string | null, text: string }

/** Runs in the page: an ordinary fetch, which the browser answers from its cache where it may. */
async function get ({ path, token }: { path: string, token: string }): Promise<Got> {
  const answer = await fetch(path, { headers: { authorization: `Bearer ${token}` } })
  return { status: answer.status, etag: answer.headers.get('etag'), text: await answer.text() }
}

const browser = await openBrowser(t)
if (browser) t.test('two people with one browser never see anything of each other in its cache', async (t) => seesOnlyOwn(t, browser))

async function seesOnlyOwn (t: Test, browser: Browser) {
  const conditional: string[] = []
  app.server.on('request', ({ url, headers }) => { if (headers['if-none-match']) conditional.push(url ?? '') })
  const page: Page = await browser.newPage()
  await page.goto(`${api}/health`)
  const people: Array<{ person: Person, task: Task }> = []
  // Both lists have the same number of changes.
  for (const name of ['Ada', 'Grace']) {
    const person = await signUp(name)
    people.push({ person, task: await person.add(`${name}'s`) })
  }
  for (let round = 0; round < 3; round++) {
    for (const [at, { person, task }] of people.entries()) {
      const other = people[1 - at]!
      const fetched = async (path: string) => page.evaluate(get, { path, token: person.token })
      for (const path of ['/api/tasks', '/api/tasks?limit=1', `/api/tasks/${task.id}`]) {
        const { status, text } = await fetched(path)
        t.equal(status, 200, `${path} in round ${round}`)
        t.match(text, task.title)
        t.notMatch(text, other.task.title)
      }
      const foreign = await fetched(`/api/tasks/${other.task.id}`)
      t.equal(foreign.status, 403)
      t.notMatch(foreign.text, other.task.title)
      t.match(await fetched(`/api/tasks/${task.id}`), { status: 200, etag: /^"/ }, 'the same again, by the same person')
    }
  }
  t.ok(conditional.includes(`/api/tasks/${people[0]!.task.id}`), 'the browser asked by the tag that it had kept')
}

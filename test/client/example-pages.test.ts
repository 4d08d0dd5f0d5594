import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { API, examplePages } from '../../client/example/pages.js'
import { teardown } from '../support/teardown.js'

const api = 'https://todo.example.com'

/** A server of the example. @returns its origin */
async function serve (pages = examplePages(api)): Promise<string> {
  const server = createServer(pages).listen(0, '127.0.0.1')
  await once(server, 'listening')
  teardown(t, () => { server.close().closeAllConnections() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('the page and all that it imports are there, as JavaScript', async (t) => {
  const origin = await serve()
  const html = await (await fetch(origin)).text()
  const { imports } = JSON.parse(/importmap">(.*?)<\/script>/s.exec(html)![1]!) as { imports: Record<string, string> }
  const [main] = /(?<=type="module" src=")[^"]+/.exec(html)!
  const seen = new Set<string>()
  const visit = async (url: string): Promise<void> => {
    if (seen.has(url)) return
    seen.add(url)
    const answer = await fetch(url)
    t.equal(answer.status, 200, url)
    t.equal(answer.headers.get('content-type'), 'text/javascript')
    const code = await answer.text()
    for (const [specifier] of code.matchAll(/(?<=^(import|export) [^'"]*from ['"])[^'"]+/gm)) {
      await visit(new URL(imports[specifier] ?? specifier, imports[specifier] ? origin : url).href)
    }
  }
  await visit(new URL(main, origin).href)
  t.ok(['/main.js', '/client/index.js', '/client/openapi-fetch.js', '/client/eventsource-parser.js', '/client/idb.js'].every((path) => seen.has(origin + path)))
  t.equal((await fetch(`${origin}/style.css?x=1`)).headers.get('content-type'), 'text/css; charset=utf-8')
})

t.test('the page talks to its API only and runs no script but its own', async (t) => {
  const answer = await fetch(await serve())
  const policy = answer.headers.get('content-security-policy')!.split('; ')
  const html = await answer.text()
  const inline = createHash('sha256').update(/importmap">(.*?)<\/script>/s.exec(html)![1]!).digest('base64')
  const rules = ["default-src 'none'", `connect-src ${api}`, `script-src 'self' 'sha256-${inline}'`, "form-action 'none'"]
  for (const rule of rules) t.ok(policy.includes(rule), rule)
  t.match(html, `<meta name="api" content="${api}">`)
  t.match(await (await fetch(await serve(examplePages()))).text(), `<meta name="api" content="${API}">`, 'by default the API on this machine')
})

t.test('no file but those of the example and the client is served', async (t) => {
  const origin = await serve()
  for (const path of ['/nothing.js', '/client/nothing.js', '/main.ts', '/package.json', '/..%2fgenerator.js', '/client/..%2fgenerator.js']) {
    t.equal((await fetch(origin + path)).status, 404, path)
  }
})

import t from 'tap'
import { startApp } from '../../helper.js'
import { exchange, listen, request } from '../../support/raw.js'

const { app, signUp } = await startApp(t)
const port = await listen(app)
const ada = await signUp()
for (const title of ['1', '2', '3']) await ada.add(title)

/** One request with any target, on a connection of its own. */
async function ask (method: string, target: string, body = '', headers: string[] = []) {
  const fields = ['Host: evil.example', 'Connection: close', `Authorization: Bearer ${ada.token}`, ...headers]
  if (body) fields.push('Content-Type: application/json', `Content-Length: ${body.length}`)
  const [answer] = await exchange(port, request(`${method} ${target} HTTP/1.1`, fields, body))
  return answer!
}

const lists = ['/api/tasks', `/api/${ada.id}/tasks`, `/api/${ada.id.toUpperCase()}/tasks`]
/** What else a client may call the same list (RFC 9112 §3.2.2; RFC 3986 §6.2.2). */
const spellings: Array<[what: string, of: (list: string) => string]> = [
  ['as it is', (list) => list],
  ['with a digit percent-encoded', (list) => list.replace(/tasks$/, 'task%73')],
  ['in absolute form', (list) => `http://evil.example${list}`],
  ['in absolute form, with a port and somebody', (list) => `https://me:secret@evil.example:8443${list}`]
]

for (const list of lists) {
  for (const [what, of] of spellings) {
    t.test(`Location and Link of ${list}, asked for ${what}, are paths of this server`, async (t) => {
      const created = await ask('POST', of(list), '{"title":"x"}')
      t.equal(created.status, 201)
      const { id } = JSON.parse(created.text) as { id: string }
      t.equal(created.headers.location, `${list}/${id}`)
      t.equal((await ask('GET', created.headers.location!)).status, 200)
      for (const query of ['limit=1', 'limit=1&offset=1']) {
        const page = await ask('GET', `${of(list)}?${query}`)
        t.equal(page.status, 200)
        const [, next] = /^<([^>]*)>; rel="next"$/.exec(page.headers.link!) ?? []
        t.ok(next?.startsWith(`${list}?limit=1&offset=`), `next is ${next}`)
        t.equal((await ask('GET', next!)).status, 200)
      }
    })
  }
}

t.test('no answer says another host than its own, whatever the request calls it', async (t) => {
  const forwarded = ['X-Forwarded-Host: evil.example', 'Forwarded: host=evil.example', 'X-Original-URL: http://evil.example/']
  const targets = [
    '/', '/health', '/docs', '/docs/', '/docs/static', '/redoc', '/openapi.json', '/nope', '/api/tasks?limit=1', '/api/tasks/x', '/api/auth/me', '/%zz'
  ]
  for (const path of targets) {
    for (const target of [path, `http://evil.example${path}`, `HTTP://EVIL.EXAMPLE${path}`, `//evil.example${path}`, `evil.example${path}`]) {
      const { headers, text } = await ask('GET', target, '', forwarded)
      t.notMatch(JSON.stringify(headers) + text, /evil\.example/i, `GET ${target}`)
    }
  }
})

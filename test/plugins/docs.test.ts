import { Script } from 'node:vm'
import t from 'tap'
import { startApp } from '../helper.js'
import { connectTo } from '../support/database.js'

// The pages are there without a database.
const database = connectTo('pglite:memory')
const { app, call } = await startApp(t, { database })

const TYPES: Record<string, RegExp> = {
  js: /^(text|application)\/javascript\b/,
  css: /^text\/css\b/,
  png: /^image\/png\b/,
  map: /^application\/json\b/
}

/** What a browser loads for the page of a path: every src, and every href of a link, of which none begins with a slash. */
const loadedBy = (html: string, page: string): string[] =>
  [...html.matchAll(/<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)="(?!\/)([^"]*)"/g)].map(([, url]) => url!)
    .filter((url) => !url.startsWith('data:')).map((url) => new URL(url, `http://localhost${page}`).pathname)

for (const page of ['/docs', '/redoc']) {
  t.test(`${page} is a page, at once and without a redirect`, async (t) => {
    const { status, headers, text } = await call('GET', page)
    t.equal(status, 200)
    t.match(headers['content-type'], /^text\/html\b.*charset=utf-8/i)
    t.match(text, /<title>Todo Backend API – [^<]+<\/title>/)
    t.equal(Buffer.byteLength(text), Number(headers['content-length']))
  })

  t.test(`${page} loads all it needs from here`, async (t) => {
    const urls = loadedBy((await call('GET', page)).text, page)
    const folder = await call('GET', `${page}/`)
    if (folder.status !== 404) t.strictSame(loadedBy(folder.text, `${page}/`), urls, 'with a slash at the end of the address, too')
    t.ok(urls.some((url) => url.endsWith('.js')), 'a script at least')
    for (const url of urls) {
      const { status, headers, text } = await call('GET', url)
      t.equal(status, 200, url)
      t.match(headers['content-type'], TYPES[url.split('.').at(-1)!]!, url)
      if (url.endsWith('.js')) t.doesNotThrow(() => new Script(text), `${url} is JavaScript`)
    }
  })

  t.test(`${page} has no script and no handler of its own in the page, which the policy would refuse`, async (t) => {
    const { text } = await call('GET', page)
    for (const [, attributes, code] of text.matchAll(/<script\b([^>]*)>([^<]*)<\/script>/g)) {
      t.match(attributes, /\bsrc="/)
      t.equal(code!.trim(), '')
    }
    t.notMatch(text, /\son\w+=/)
  })

  t.test(`the title of ${page} is text, whatever is in API_TITLE`, async (t) => {
    const { call } = await startApp(t, { database, settings: { API_TITLE: '</title><script src="//evil.example"></script> & "co"' } })
    const { text } = await call('GET', page)
    t.notMatch(text, '<script src="//evil.example">')
    t.equal([...text.matchAll(/<\/title>/g)].length, 1)
    t.match(text, /<title>&(lt|#60|#x3c);\/title/i, 'it is shown as it is')
  })
}

t.test('/docs reads the document of /openapi.json, and stays authorized across reloads', async (t) => {
  const initializer = (await call('GET', '/docs/static/swagger-initializer.js')).text
  t.match(initializer, /"persistAuthorization":true/)
  t.match(initializer, /"tryItOutEnabled":true/)
  const [, url] = /\burl: resolveUrl\('([^']+)'\)/.exec(initializer) ?? /"url":"([^"]+)"/.exec(initializer) ?? []
  const { pathname } = new URL(url!, 'http://localhost/docs/')
  const { body: read } = await call('GET', pathname)
  t.strictSame({ ...read, servers: 0 }, { ...(await call('GET', '/openapi.json')).body, servers: 0 })
  t.equal(new URL(read.servers[0].url, 'https://example.com/todo/docs/json').href, 'https://example.com/todo/', 'and tries it below any prefix')
})

t.test('of Swagger UI there is what its page loads, and nothing else', async (t) => {
  const [needed] = await Promise.all(['/docs'].map(async (page) => loadedBy((await call('GET', page)).text, page)))
  for (const url of needed!) t.equal((await call('GET', url)).status, 200, url)
  const leftovers = [
    '/docs/static', '/docs/static/', '/docs/static/index.html', '/docs/static/oauth2-redirect.html', '/docs/static/csp.json', '/docs/static/logo.svg',
    '/docs/static/swagger-ui.js', '/docs/static/nothing', '/docs/static/..%2findex.js', '/docs/static/swagger-ui.css/', '/docs/yaml'
  ]
  for (const url of leftovers) {
    const { status, body } = await call('GET', url)
    t.strictSame([status, body], [404, { detail: 'Not found', status_code: 404 }], url)
  }
})

t.test('/redoc reads the same, with a script that asks nobody else for a logo', async (t) => {
  const { text } = await call('GET', '/redoc')
  t.match(text, /<redoc spec-url="docs\/json">/)
  const [script] = loadedBy(text, '/redoc')
  const { text: code, headers } = await call('GET', script!)
  t.ok(code.length > 500_000, 'all of it')
  t.notMatch(code, 'cdn.redoc.ly')
  t.match(headers['cache-control'], /max-age=[1-9]/, 'a megabyte is not sent for every look')
  t.equal((await call('GET', script!)).text, code, 'also the second time')
})

t.test('/openapi.json is the document of the application', async (t) => {
  const { status, headers, body } = await call('GET', '/openapi.json')
  t.equal(status, 200)
  t.match(headers['content-type'], /^application\/json\b/)
  t.strictSame(body, JSON.parse(JSON.stringify(app.swagger())))
  t.strictSame((await call('GET', '/openapi.json?x=1')).body, body)
})

t.test('HEAD says what GET says, without a body', async (t) => {
  const pages = ['/docs', '/redoc', '/openapi.json']
  const files = await Promise.all(pages.slice(0, 2).map(async (page) => loadedBy((await call('GET', page)).text, page)))
  for (const path of [...pages, ...files.flat()]) {
    const { status, headers, text } = await call('HEAD', path)
    const got = (await call('GET', path)).headers
    t.strictSame([status, text], [200, ''], path)
    for (const name of ['content-type', 'content-length']) t.equal(headers[name], got[name], `${name} of ${path}`)
  }
})

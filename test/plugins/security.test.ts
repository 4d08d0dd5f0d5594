import t from 'tap'
import { startApp, type Answer } from '../helper.js'
import { connectTo } from '../support/database.js'

// Nothing here may need a database: this one is never started, and a request that asks it gets 503.
const database = connectTo('pglite:memory')
const { call } = await startApp(t, { database })

const ALLOWED = ['http://localhost:3000', 'http://localhost:3001', 'http://localhost:5173']

const EXPOSED = ['Accept-Patch', 'Content-Disposition', 'ETag', 'Idempotency-Replayed', 'Link', 'Location', 'RateLimit', 'RateLimit-Policy',
  'Retry-After', 'X-Request-Id']

const FOREIGN = [
  'http://localhost:3002', 'http://localhost', 'http://localhost:30000', 'http://localhost:300', 'https://localhost:3000', 'http://127.0.0.1:3000',
  'http://app.localhost:3000', 'http://localhost:3000.evil.example', 'http://evil.example/http://localhost:3000', 'http://localhost:3000/',
  'http://LOCALHOST:3000', 'HTTP://localhost:3000', 'http://localhost:3000,http://localhost:3001', 'http://localhost:3000 http://localhost:3001',
  'null', '*', 'undefined', 'file://', 'xhttp://localhost:3000', 'http://localhostx3000'
]

/** A name list of a header, in lower case and in order. */
const names = (value: unknown) => String(value).toLowerCase().split(/\s*,\s*/).sort()

/** What an answer tells a browser about another origin. */
const said = ({ headers }: Answer) => ({
  origin: headers['access-control-allow-origin'] ?? null,
  credentials: headers['access-control-allow-credentials'] ?? null,
  varies: names(headers.vary).includes('origin')
})
const welcome = (origin: string) => ({ origin, credentials: null, varies: true })
const nothing = { origin: null, credentials: null, varies: true }

const preflight = (origin: string, method = 'PATCH', headers = 'authorization, content-type') => ({
  headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers }
})

t.test('every answer has the security headers, and none says what runs here', async (t) => {
  const answers: Array<[method: string, path: string, status: number]> = [
    ['GET', '/health', 200], ['GET', '/docs', 200], ['GET', '/redoc', 200], ['GET', '/openapi.json', 200], ['GET', '/docs/static/swagger-ui.css', 200],
    ['GET', '/api/tasks', 401], ['GET', '/nope', 404], ['POST', '/health', 405], ['POST', '/api/auth/login', 422], ['GET', '/ready', 503]
  ]
  for (const [method, path, status] of answers) {
    const { headers, status: given } = await call(method, path)
    t.equal(given, status)
    t.match(headers, {
      'content-security-policy': /default-src 'self'/,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': /max-age=\d{7,}/,
      'x-content-type-options': 'nosniff',
      'x-dns-prefetch-control': 'off',
      'x-download-options': 'noopen',
      'x-frame-options': /^(DENY|SAMEORIGIN)$/,
      'x-permitted-cross-domain-policies': 'none'
    }, `${method} ${path}`)
    t.strictSame([headers.server, headers['x-powered-by'], headers.via], [undefined, undefined, undefined])
  }
  t.equal((await call('GET', '/%zz')).headers['x-content-type-options'], 'nosniff')
})

t.test('the content security policy lets no code in from elsewhere', async (t) => {
  for (const path of ['/docs', '/redoc', '/health']) {
    const policy = new Map(String((await call('GET', path)).headers['content-security-policy']).split(';').map((directive) => {
      const [name = '', ...sources] = directive.trim().split(/\s+/)
      return [name, sources]
    }))
    const scripts = policy.get('script-src') ?? policy.get('default-src')
    t.strictSame(scripts, ["'self'"], 'scripts are files of ours')
    t.strictSame(policy.get('object-src') ?? policy.get('default-src'), ["'none'"])
    t.strictSame(policy.get('base-uri'), ["'none'"])
    t.strictSame(policy.get('frame-ancestors'), ["'none'"])
    const sources = [...policy.values()].flat()
    t.notOk(sources.includes("'unsafe-eval'"))
    t.notOk(sources.some((source) => source === '*' || source.includes('//') || source === 'http:' || source === 'https:'), 'no other host')
    t.notOk(policy.has('upgrade-insecure-requests'), 'which would break the pages on http://localhost')
  }
})

t.test('a front end of an allowed origin may read the answers', async (t) => {
  for (const origin of ALLOWED) {
    for (const [method, path] of [['GET', '/health'], ['GET', '/api/tasks'], ['POST', '/api/auth/login'], ['GET', '/nope'], ['POST', '/health']] as const) {
      const answer = await call(method, path, { headers: { origin } })
      t.strictSame(said(answer), welcome(origin), `${method} ${path}`)
      t.strictSame(names(answer.headers['access-control-expose-headers']), names(EXPOSED.join()))
    }
  }
})

t.test('a front end of any other origin may not, however alike it looks', async (t) => {
  for (const origin of FOREIGN) {
    for (const [method, options] of [['GET', { headers: { origin } }], ['OPTIONS', preflight(origin)]] as const) {
      t.strictSame(said(await call(method, '/health', options)), nothing, origin)
    }
  }
})

t.test('without an origin nothing is said about origins, but that it depends on them', async (t) => {
  t.strictSame(said(await call('GET', '/health')), nothing)
})

t.test('a preflight is answered at once, for every path', async (t) => {
  for (const origin of ALLOWED) {
    for (const path of ['/api/tasks', '/api/auth/login', '/api/tasks/none/complete', '/ready', '/nope', '/api/nobody/tasks/none']) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await call('OPTIONS', path, preflight(origin, method))
        t.strictSame([answer.status, answer.text, said(answer)], [204, '', welcome(origin)], `${method} ${path}`)
        t.match(answer.headers, {
          'access-control-allow-methods': new RegExp(`\\b${method}\\b`),
          'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-Id',
          'access-control-max-age': /^[1-9]\d*$/,
          'x-request-id': /./
        })
      }
    }
  }
})

t.test('an OPTIONS that is no preflight is a request like any other', async (t) => {
  const incomplete: Array<Record<string, string>> = [{}, { origin: ALLOWED[0]! }, { 'access-control-request-method': 'PATCH' }]
  for (const headers of incomplete) {
    t.equal((await call('OPTIONS', '/api/tasks', { headers })).status, 405, JSON.stringify(headers))
    t.equal((await call('OPTIONS', '/nope', { headers })).status, 404, JSON.stringify(headers))
  }
})

const settings: Record<string, { allowed: string[], foreign: string[] }> = {
  'https://app.example.com': { allowed: ['https://app.example.com'], foreign: ['http://app.example.com', 'https://example.com', ...ALLOWED] },
  'https://a.example ,  https://b.example:8443,https://c.example': {
    allowed: ['https://a.example', 'https://b.example:8443', 'https://c.example'],
    foreign: ['https://b.example', 'https://a.example,', ' https://a.example', 'https://axexample']
  }
}

for (const [setting, { allowed, foreign }] of Object.entries(settings)) {
  t.test(`CORS_ORIGINS=${setting} allows these and no other`, async (t) => {
    const { call } = await startApp(t, { database, settings: { CORS_ORIGINS: setting } })
    for (const origin of allowed) t.strictSame(said(await call('GET', '/health', { headers: { origin } })), welcome(origin))
    for (const origin of foreign) t.strictSame(said(await call('GET', '/health', { headers: { origin } })), nothing, origin)
  })
}

t.test('CORS_ORIGINS=* allows every origin, never with credentials', async (t) => {
  const { call } = await startApp(t, { database, settings: { CORS_ORIGINS: '*' } })
  for (const origin of [...ALLOWED, ...FOREIGN]) {
    const asked = await call('OPTIONS', '/api/tasks', preflight(origin))
    t.equal(asked.status, 204)
    for (const answer of [asked, await call('GET', '/health', { headers: { origin } })]) t.match(said(answer), { origin: '*', credentials: null }, origin)
  }
})

import t from 'tap'
import { connectEmbedded } from '../../src/db/embedded.js'
import { startApp } from '../helper.js'
import { migratedDump } from '../support/dump.js'
import { connectTo } from '../support/database.js'

const { call } = await startApp(t, { settings: { API_TITLE: 'Lists & more', API_VERSION: '2.0.0-beta' } })

const info = { name: 'Lists & more', version: '2.0.0-beta', docs: '/docs', redoc: '/redoc', openapi: '/openapi.json' }
const answers: Record<string, object> = { '/': info, '/health': { status: 'healthy' }, '/ready': { status: 'ready' } }
const outage = { detail: 'Service unavailable', status_code: 503 }

for (const [path, expected] of Object.entries(answers)) {
  t.test(`GET ${path} answers, whatever stands behind a question mark`, async (t) => {
    for (const query of ['', '?', '?cache=5', '?limit=0&limit=x', '?__proto__=1', '?%zz']) {
      const { status, headers, body } = await call('GET', path + query)
      t.strictSame([status, body], [200, expected], query)
      t.match(headers['content-type'], /^application\/json/)
    }
  })

  t.test(`HEAD ${path} says the same without a body`, async (t) => {
    const { headers: { 'content-length': length } } = await call('GET', path)
    const { status, headers, text } = await call('HEAD', `${path}?x`)
    t.strictSame([status, text, headers['content-length']], [200, '', length])
  })
}

t.test('the names in / are paths that work', async (t) => {
  for (const path of [info.docs, info.redoc, info.openapi]) t.equal((await call('GET', path)).status, 200, path)
})

t.test('a probe needs no token, and a wrong one does not matter', async (t) => {
  for (const path of Object.keys(answers)) t.equal((await call('GET', path, { token: 'not a token' })).status, 200, path)
})

t.test('before the database has started the process is healthy and not ready', async (t) => {
  for (const url of ['pglite:memory', 'postgres://nobody:nothing@127.0.0.1:1/none']) {
    const { call } = await startApp(t, { database: connectTo(url) })
    for (let i = 0; i < 3; i++) {
      const { status, body, headers } = await call('GET', '/ready?x')
      t.strictSame([status, body], [503, outage])
      t.match(headers['retry-after'], /^[1-9]\d*$/)
    }
    const { status, text } = await call('HEAD', '/ready')
    t.strictSame([status, text], [503, ''])
    for (const path of ['/health', '/']) t.equal((await call('GET', path)).status, 200, path)
  }
})

t.test('the server becomes ready when the database starts, and ceases to be when it is gone', async (t) => {
  const database = connectEmbedded('memory', { dump: await migratedDump() })
  const { call } = await startApp(t, { database })
  t.equal((await call('GET', '/ready')).status, 503)
  await database.start()
  t.equal((await call('GET', '/ready')).status, 200)
  await database.close()
  t.equal((await call('GET', '/ready')).status, 503)
  t.equal((await call('GET', '/health')).status, 200)
})

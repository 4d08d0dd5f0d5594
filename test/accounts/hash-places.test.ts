import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { loadConfig } from '../../src/config/load.js'
import { PASSWORD, startApp, testSettings } from '../helper.js'
import { keepLog } from '../support/log.js'
import { hashesAtATime, hashesDuring, passwordsOf } from '../support/passwords.js'
import { listen, rawClient, request } from '../support/raw.js'
import { newEmail } from '../support/signup.js'
import { until } from '../support/until.js'

const app = await startApp(t)
const { db } = app
const { logIn } = passwordsOf(app)

t.test('settings with which no password can be hashed stop the start, and name themselves', async (t) => {
  const config = { ...loadConfig({ ...testSettings, DATABASE_URL: 'pglite:memory' }), ARGON2_MEMORY_KIB: 8, ARGON2_PARALLELISM: 2 }
  await t.rejects(buildApp(config, db), { message: /^Setting ARGON2_MEMORY_KIB [^\n]+memory[^\n]*\)$/i })
})

t.test('so many hashes are computed at a time as the setting says, of as many threads as each has', async (t) => {
  for (const [threads, lanes, most] of [[1, 1, 1], [2, 1, 2], [3, 2, 1], [1, 2, 1]] as const) {
    const settings = { HASH_THREADS: String(threads), ARGON2_PARALLELISM: String(lanes) }
    const there = await startApp(t, { database: db, settings })
    const logins = async () => Promise.all(Array.from({ length: 6 }, async () => logIn(newEmail(), PASSWORD, there.call)))
    t.equal(await hashesAtATime(logins), most, `${threads} threads, ${lanes} lanes`)
  }
})

t.test('so many may wait for a hash as the setting says, and the others get 503, whoever they are', async (t) => {
  const log = keepLog()
  const there = await startApp(t, { database: db, settings: { HASH_THREADS: '1', HASH_QUEUE: '2', LOG_LEVEL: 'warn' }, output: log })
  const { email } = await there.signUp()
  const atOnce = async () => Promise.all([email, newEmail(), email, newEmail(), email].map(async (who) => logIn(who, 'wrong', there.call)))
  for (const answers of [await atOnce(), await atOnce()]) {
    t.strictSame(answers.map(({ status }) => status), [401, 401, 401, 503, 503])
    for (const { headers, body } of answers.slice(3)) {
      t.strictSame(body, { detail: 'Service unavailable', status_code: 503 })
      t.equal(headers['retry-after'], '2')
    }
  }
  t.strictSame(log.lines().map(({ msg, queue }) => [msg, queue]), [['overloaded', 'passwords']], 'the operator learns of it, and what is full, once a second')
  const signups = await Promise.all(Array.from({ length: 4 }, async () =>
    there.call('POST', '/api/auth/signup', { body: { email: newEmail(), password: PASSWORD, name: 'Ada' } })))
  t.strictSame(signups.map(({ status }) => status), [201, 201, 201, 503], 'signups have the same places')
})

t.test('nothing is hashed for a client that has gone, and its place is free', async (t) => {
  // Dear enough for a client to come and go while the first hash is computed.
  const settings = { HASH_THREADS: '1', HASH_QUEUE: '1', ARGON2_MEMORY_KIB: '19456', ARGON2_TIME_COST: '40' }
  const arrived: ServerResponse[] = []
  const there = await startApp(t, {
    database: db,
    settings,
    prepare: (app) => app.addHook('preHandler', async (_request, { raw }) => { arrived.push(raw) })
  })
  const port = await listen(there.app)
  const hashes = await hashesDuring(async () => {
    const first = logIn(newEmail(), PASSWORD, there.call)
    const client = rawClient(port)
    const body = JSON.stringify({ email: newEmail(), password: PASSWORD })
    client.write(request('POST /api/auth/login HTTP/1.1', ['Host: localhost', 'Content-Type: application/json', `Content-Length: ${body.length}`], body))
    await until('both have arrived', () => arrived.length === 2)
    t.equal((await logIn(newEmail(), PASSWORD, there.call)).status, 503, 'it has the only place')
    client.end()
    await once(arrived[1]!, 'close')
    const answers = await Promise.all([first, logIn(newEmail(), PASSWORD, there.call)])
    t.strictSame(answers.map(({ status }) => status), [401, 401])
  })
  t.equal(hashes, 2)
})

import { createHook } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { loadConfig } from '../../src/config/load.js'
import type { Database } from '../../src/db/database.js'
import { PASSWORD, startApp, testSettings } from '../helper.js'
import { keepLog } from '../support/log.js'
import { listen, rawClient, request } from '../support/raw.js'
import { until } from '../support/until.js'

const { call, signUp, sql, db } = await startApp(t)
const COST = '$argon2id$v=19$m=64,t=1,p=1$'
const WRONG = { detail: 'Invalid email or password', status_code: 401 }

const newEmail = () => `${randomUUID()}@example.com`
const logIn = async (email: string, password: string, at = call) => at('POST', '/api/auth/login', { body: { email, password } })

async function accountWith (password: string): Promise<string> {
  const email = newEmail()
  const { status } = await call('POST', '/api/auth/signup', { body: { email, password, name: 'Ada' } })
  if (status !== 201) throw new Error(`no account with ${JSON.stringify(password)}: ${status}`)
  return email
}

async function hashOf (email: string): Promise<string> {
  const [row] = await sql<{ password_hash: string }>('select password_hash from todo.users where email = $1', [email])
  return row!.password_hash
}

t.test('a password is kept as an Argon2id hash with a salt of its own', async (t) => {
  const [one, two] = [await hashOf(await accountWith(PASSWORD)), await hashOf(await accountWith(PASSWORD))]
  for (const hash of [one, two]) {
    t.match(hash, /^\$argon2id\$v=19\$m=64,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}$/, '16 bytes of salt, 32 of hash')
  }
  t.not(one.split('$')[4], two.split('$')[4])
  t.not(one.split('$')[5], two.split('$')[5])
})

t.test('without settings a hash costs what OWASP asks for', async (t) => {
  const there = await startApp(t, { database: db, settings: { ARGON2_MEMORY_KIB: undefined, ARGON2_TIME_COST: undefined } })
  const { email } = await there.signUp()
  t.match(await hashOf(email), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
})

// What was set, and what is not the same password.
const passwords: Array<[string, string, string[]]> = [
  ['white space around it counts', '  spaces  around\t', ['spaces  around', '  spaces  around', 'spaces  around\t']],
  ['white space alone is fine', ' '.repeat(8), [' '.repeat(7), ' '.repeat(9), '']],
  ['case counts', 'Correct Horse', ['correct horse', 'CORRECT HORSE']],
  ['the 128th character counts', `${'x'.repeat(127)}y`, ['x'.repeat(127), 'x'.repeat(128), `${'x'.repeat(127)}yy`]],
  ['the 128th emoji counts', `${'🦊'.repeat(127)}🐻`, ['🦊'.repeat(128), '🦊'.repeat(127)]],
  ['controls count', '\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008', ['\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0007']],
  ['NFKC is not applied', 'ﬁve ② ﬁfty', ['five 2 fifty']],
  ['U+FFFD is not a lone surrogate', 'secret\ufffd\ufffd', ['secret\ud800\ud800', 'secret\ufffd\udfff', 'secret\udfff\ufffd']],
  ['U+0000 does not end it', 'password', ['password\u0000', 'password\u0000x', '\u0000password']]
]
for (const [what, password, others] of passwords) {
  t.test(`a password works as it was sent: ${what}`, async (t) => {
    const email = await accountWith(password)
    t.equal((await logIn(email, password)).status, 200)
    for (const other of others) {
      const { status, body } = await logIn(email, other)
      t.equal(status, 401, JSON.stringify(other))
      t.strictSame(body, WRONG)
    }
  })
}

t.test('a password typed composed or decomposed is the same password', async (t) => {
  const [composed, decomposed] = ['NFC', 'NFD'].map((form) => 'Crème brûlée Å 각'.normalize(form)) as [string, string]
  t.not(composed, decomposed)
  for (const [set, typed] of [[composed, decomposed], [decomposed, composed], [decomposed, decomposed]] as const) {
    const email = await accountWith(set)
    t.equal((await logIn(email, typed)).status, 200)
    t.equal((await logIn(email, typed.replace('Cr', 'cr'))).status, 401)
  }
})

t.test('a login takes any password of up to 1024 characters and only says that it is wrong', async (t) => {
  const email = await accountWith(PASSWORD)
  for (const password of ['', 'x', 'x'.repeat(1024), '🦊'.repeat(1024), '\u0000', '\ud800']) {
    for (const who of [email, newEmail()]) {
      const { status, body } = await logIn(who, password)
      t.equal(status, 401, `${password.length} of ${JSON.stringify(password.slice(0, 2))}`)
      t.strictSame(body, WRONG)
    }
  }
  for (const password of ['x'.repeat(1025), '🦊'.repeat(1025)]) {
    const { status, body } = await logIn(email, password)
    t.equal(status, 422)
    t.match(body.detail, [{ loc: ['body', 'password'], type: 'value_error.str.max_length' }])
    t.equal(body.detail.length, 1)
  }
})

/** @returns how many Argon2 hashes were computed meanwhile, as Node announces its asynchronous work */
async function hashesDuring (work: () => Promise<unknown>): Promise<number> {
  let hashes = 0
  const hook = createHook({ init: (_id, type) => { if (type === 'argon2:HashWorker') hashes++ } }).enable()
  try {
    await work()
  } finally {
    hook.disable()
  }
  return hashes
}

t.test('an unknown email is the same answer after the same work as a wrong password', async (t) => {
  const { email } = await signUp()
  const headersOf = ({ headers: { 'x-request-id': _id, date: _date, ...rest } }: Awaited<ReturnType<typeof logIn>>) => rest
  const [unknown, wrong] = [await logIn(newEmail(), PASSWORD), await logIn(email, 'not the password')]
  for (const { status, body } of [unknown, wrong]) {
    t.equal(status, 401)
    t.strictSame(body, WRONG)
  }
  t.strictSame(headersOf(unknown), headersOf(wrong))
  for (const password of [PASSWORD, 'not the password', '', '\ud800']) {
    for (const who of [email, newEmail()]) {
      t.equal(await hashesDuring(async () => logIn(who, password)), 1, `one hash for ${JSON.stringify(password)}`)
    }
  }
})

t.test('that work costs what the settings say, for an unknown email too', async (t) => {
  const there = await startApp(t, { database: db, settings: { ARGON2_MEMORY_KIB: '19456', ARGON2_TIME_COST: '8' } })
  const { email } = await there.signUp()
  // Processor time, which other processes do not add to, and the cheapest of some, which a garbage collection does not reach.
  const costOf = async (who: () => string) => {
    const costs: number[] = []
    for (let i = 0; i < 4; i++) {
      const before = process.cpuUsage()
      await logIn(who(), 'not the password', there.call)
      costs.push(process.cpuUsage(before).user)
    }
    return Math.min(...costs)
  }
  const [wrong, unknown] = [await costOf(() => email), await costOf(newEmail)]
  t.ok(unknown > wrong / 3 && unknown < wrong * 3, `${unknown} µs and ${wrong} µs`)
})

const changes: Array<[what: string, before: NodeJS.ProcessEnv, now: NodeJS.ProcessEnv]> = [
  ['more memory', { ARGON2_MEMORY_KIB: '8192', ARGON2_TIME_COST: '4' }, { ARGON2_MEMORY_KIB: '19456', ARGON2_TIME_COST: '4' }],
  ['more passes', { ARGON2_MEMORY_KIB: '19456', ARGON2_TIME_COST: '2' }, { ARGON2_MEMORY_KIB: '19456', ARGON2_TIME_COST: '5' }],
  ['less of both', { ARGON2_MEMORY_KIB: '19456', ARGON2_TIME_COST: '4' }, { ARGON2_MEMORY_KIB: '8192', ARGON2_TIME_COST: '2' }]
]

for (const [what, before, now] of changes) {
  t.test(`while old hashes are about, they do not tell who has an account: ${what}`, async (t) => {
    const then = await startApp(t, { database: db, settings: before })
    const { email } = await then.signUp()
    const there = await startApp(t, { database: db, settings: now })
    const renewed = await there.signUp()
    // In turns, so that whatever else the machine does reaches each; the median, so that the worst of it does not count.
    const costs: Record<string, number[]> = { old: [], renewed: [], unknown: [] }
    await logIn(email, 'not the password', there.call)
    for (let i = 0; i < 9; i++) {
      for (const [who, name] of [[email, 'old'], [renewed.email, 'renewed'], [newEmail(), 'unknown']] as const) {
        const start = process.cpuUsage()
        t.equal((await logIn(who, 'not the password', there.call)).status, 401)
        const { user, system } = process.cpuUsage(start)
        costs[name]!.push(user + system)
      }
    }
    const [old, fresh, unknown] = Object.values(costs).map((all) => all.sort((a, b) => a - b)[4]!) as [number, number, number]
    t.comment(`µs: ${old} old, ${fresh} renewed, ${unknown} unknown`)
    t.ok(Math.max(old, fresh, unknown) < 1.3 * Math.min(old, fresh, unknown), `${old}, ${fresh} and ${unknown} µs`)
  })
}

t.test('settings with which no password can be hashed stop the start, and name themselves', async (t) => {
  const config = { ...loadConfig({ ...testSettings, DATABASE_URL: 'pglite:memory' }), ARGON2_MEMORY_KIB: 8, ARGON2_PARALLELISM: 2 }
  await t.rejects(buildApp(config, db), { message: /^Setting ARGON2_MEMORY_KIB [^\n]+memory[^\n]*\)$/i })
})

/** @returns how many Argon2 hashes were computed at a time, at most */
async function hashesAtATime (work: () => Promise<unknown>): Promise<number> {
  const running = new Set<number>()
  let most = 0
  const hook = createHook({
    init (id, type) {
      if (type !== 'argon2:HashWorker') return
      most = Math.max(most, running.add(id).size)
    },
    before (id) { running.delete(id) }
  }).enable()
  try {
    await work()
  } finally {
    hook.disable()
  }
  return most
}

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

const dearer = [{ ARGON2_MEMORY_KIB: '128' }, { ARGON2_TIME_COST: '2' }, { ARGON2_PARALLELISM: '2' }]

t.test('a hash made at another cost is renewed by the next right login, once', async (t) => {
  const email = await accountWith('Crème brûlée')
  const typed = 'Crème brûlée'.normalize('NFD')
  for (const [i, settings] of dearer.entries()) {
    const there = await startApp(t, { database: db, settings })
    const before = await hashOf(email)
    t.equal((await logIn(email, 'not the password', there.call)).status, 401)
    t.equal(await hashOf(email), before, 'a wrong password changes nothing')
    t.equal((await logIn(email, typed, there.call)).status, 200)
    const renewed = await hashOf(email)
    t.match(renewed, ['$argon2id$v=19$m=128,t=1,p=1$', '$argon2id$v=19$m=64,t=2,p=1$', '$argon2id$v=19$m=64,t=1,p=2$'][i]!)
    t.equal((await logIn(email, typed, there.call)).status, 200, 'the password is the same')
    t.equal(await hashOf(email), renewed, 'a hash at the right cost stays')
    t.equal((await logIn(email, 'not the password', there.call)).status, 401)
  }
  t.equal((await logIn(email, 'Crème brûlée')).status, 200)
  t.match(await hashOf(email), COST, 'back to the first cost')
})

t.test('renewing one hash leaves the others alone', async (t) => {
  const [mine, others] = [await accountWith(PASSWORD), await accountWith(PASSWORD)]
  const before = await hashOf(others)
  const there = await startApp(t, { database: db, settings: dearer[0] })
  t.equal((await logIn(mine, PASSWORD, there.call)).status, 200)
  t.match(await hashOf(mine), 'm=128')
  t.equal(await hashOf(others), before)
})

t.test('a hash that was replaced while the login ran is not overwritten', async (t) => {
  const email = await accountWith(PASSWORD)
  const replacement = await hashOf(await accountWith('another password'))
  const meanwhile: Database = {
    ...db,
    async run (statement, values) {
      if (statement.name === 'users.updateHash') {
        await sql('update todo.users set password_hash = $2 where email = $1', [email, replacement])
      }
      return db.run(statement, values)
    }
  }
  const there = await startApp(t, { database: meanwhile, settings: dearer[0] })
  t.equal((await logIn(email, PASSWORD, there.call)).status, 200)
  t.equal(await hashOf(email), replacement)
})

/** Makes every INSERT or UPDATE of a user fail, with the row in the message, as a careless trigger would. */
async function refuseWrites (what: 'insert' | 'update') {
  await sql(`create function refuse_${what}() returns trigger language plpgsql as
    $$ begin raise exception 'refused: %', new; end $$`)
  await sql(`create trigger refuse_${what} before ${what} on todo.users for each row execute function refuse_${what}()`)
  return async () => sql(`drop function refuse_${what} cascade`)
}

t.test('a hash that cannot be renewed does not fail the login, and the next one tries again', async (t) => {
  const email = await accountWith(PASSWORD)
  const before = await hashOf(email)
  const log = keepLog()
  const there = await startApp(t, { database: db, settings: { ...dearer[0], LOG_LEVEL: 'trace' }, output: log })
  const allow = await refuseWrites('update')
  const { status, body } = await logIn(email, PASSWORD, there.call)
  await allow()
  t.equal(status, 200)
  t.equal((await there.call('GET', '/api/auth/me', { token: body.access_token })).status, 200, 'the token works')
  t.equal(await hashOf(email), before)
  t.match(log.chunks.join(''), /password hash not upgraded/, 'the operator learns of it')
  t.notMatch(log.chunks.join(''), /argon2id/, 'but not the hash')
  t.equal((await logIn(email, PASSWORD, there.call)).status, 200)
  t.match(await hashOf(email), 'm=128')
})

t.test('no log, however detailed, has a password, a hash or a token', async (t) => {
  const secret = 'correct-horse-8731'
  const log = keepLog()
  const there = await startApp(t, { database: db, settings: { LOG_LEVEL: 'trace' }, output: log })
  const account = { email: newEmail(), password: secret, name: 'Ada' }
  const post = async (path: string, body: unknown) => there.call('POST', `/api/auth/${path}`, { body })
  const failing = async () => {
    const allow = await refuseWrites('insert')
    const answer = await post('signup', { ...account, email: newEmail() })
    await allow()
    return answer
  }
  await post('signup', account)
  const { body: { access_token: token } } = await post('login', { email: account.email, password: secret })
  const answers = [
    await post('signup', account),
    await post('signup', { ...account, password: [secret] }),
    await post('signup', JSON.stringify(account).slice(0, -1)),
    await post('login', { email: account.email, password: `${secret}!` }),
    await there.call('GET', `/api/auth/me?access_token=${token}`, { token }),
    await there.call('GET', '/api/auth/me', { token: `${token}x` }),
    await failing()
  ]
  t.strictSame(answers.map(({ status }) => status), [409, 422, 400, 401, 422, 401, 500])
  const text = log.chunks.join('')
  t.equal(text.match(/"path":"\/api\/auth\/signup"/g)?.length, 5, 'each signup is in the log')
  t.match(text, /request failed/, 'with its stack, when it failed')
  for (const kept of [secret, 'argon2id', token, token.split('.')[2]]) t.notOk(text.includes(kept), kept)
  for (const { text } of answers) t.notOk(text.includes(secret) || text.includes('argon2id'), 'nor has an answer')
})

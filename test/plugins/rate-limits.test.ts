import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { PASSWORD, startApp, type Answer, type CallOptions } from '../helper.js'
import { keepLog } from '../support/log.js'

const { db, signUp } = await startApp(t)
const ada = await signUp('Ada')
const bob = await signUp('Bob')
const known = { email: ada.email, password: PASSWORD }

/** An application with limits, and every count at its beginning. */
async function limited (t: Test, settings: NodeJS.ProcessEnv = {}) {
  const log = keepLog()
  const { call } = await startApp(t, { database: db, settings: { RATE_LIMIT: 'on', LOG_LEVEL: 'warn', ...settings }, output: log })
  const logIn = async (body: unknown, from?: string) =>
    call('POST', '/api/auth/login', { body, headers: from === undefined ? {} : { 'x-forwarded-for': from } })
  return { call, logIn, warnings: log.lines }
}

const limitsOf = ({ headers }: Pick<Answer, 'headers'>) => [headers['ratelimit-policy'], headers.ratelimit]

function isRefused (t: Test, { status, body, headers }: Answer, what = 'is refused'): void {
  t.strictSame([status, body], [429, { detail: 'Too many requests', status_code: 429 }], what)
  t.ok(Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 60)
  t.match(headers['ratelimit-policy'], /^"\w+";q=\d+;w=60/)
  t.match(headers.ratelimit, /;r=0;t=\d+$/)
}

t.test('by default an address has 60 signups and logins a minute, an account 10, and a user 1000 other requests', async (t) => {
  const { call, logIn } = await limited(t)
  t.strictSame(limitsOf(await logIn(known)),
    ['"address";q=60;w=60, "account";q=10;w=60', '"address";r=59;t=60, "account";r=9;t=60'])
  t.strictSame(limitsOf(await call('GET', '/api/tasks', { token: ada.token })), ['"user";q=1000;w=60', '"user";r=999;t=60'])
  for (const path of ['/health', '/ready', '/', '/docs', '/api/nope']) {
    t.strictSame(limitsOf(await call('GET', path, { token: ada.token })), [undefined, undefined], `${path} is not counted`)
  }
})

t.test('switched off, there are none', async (t) => {
  const { call, logIn } = await limited(t, { RATE_LIMIT: 'off', RATE_LIMIT_ADDRESS: '1', RATE_LIMIT_ACCOUNT: '1', RATE_LIMIT_USER: '1' })
  for (let i = 0; i < 3; i++) {
    for (const answer of [await logIn(known), await call('GET', '/api/auth/me', { token: ada.token })]) {
      t.strictSame([answer.status, ...limitsOf(answer)], [200, undefined, undefined])
    }
  }
})

t.test('signups and logins of an address share its limit, which comes before all else', async (t) => {
  const { call, logIn } = await limited(t, { RATE_LIMIT_ADDRESS: '3' })
  const statuses = [
    await logIn(known),
    await call('POST', '/api/auth/signup', { body: { ...known, name: 'Ada' } }),
    await logIn('{')
  ].map(({ status }) => status)
  t.strictSame(statuses, [200, 409, 400], 'whatever becomes of them')
  const late: Record<string, CallOptions> = {
    'a good one': { body: known },
    'no JSON': { body: '{' },
    'no body': {},
    'a body of another type': { body: 'x', headers: { 'content-type': 'text/plain' } },
    'a body that is too large': { body: 'x'.repeat(70_000) }
  }
  for (const [what, options] of Object.entries(late)) {
    isRefused(t, await call('POST', '/api/auth/login', options), what)
    isRefused(t, await call('POST', '/api/auth/signup?colour=red', options), what)
  }
  t.equal((await call('GET', '/api/auth/me', { token: ada.token })).status, 200, 'whoever is in stays in')
})

t.test('the operator learns that a limit refuses, every ten seconds at most, how often, and of nobody whom', async (t) => {
  let now = Date.now()
  t.intercept(Date, 'now', { value: () => now })
  const { call, logIn, warnings } = await limited(t, { RATE_LIMIT_ADDRESS: '2', RATE_LIMIT_ACCOUNT: '1', RATE_LIMIT_USER: '1' })
  const lines = () => warnings().map(({ msg, limit, refused }) => [msg, limit, refused])
  await logIn(known)
  t.strictSame(lines(), [], 'nothing while all is well')
  for (let tries = 0; tries < 4; tries++) await logIn(known)
  t.strictSame(lines(), [['rate limit reached', 'account', 1], ['rate limit reached', 'address', 1]])
  for (let tries = 0; tries < 3; tries++) await call('GET', '/api/tasks', { token: ada.token })
  t.strictSame(lines().slice(2), [['rate limit reached', 'user', 1]], 'each limit has its own')
  now += 10_000
  await logIn(known)
  await call('GET', '/api/tasks', { token: ada.token })
  t.strictSame(lines().slice(3), [['rate limit reached', 'address', 3], ['rate limit reached', 'user', 2]], 'with all since the line before')
  for (const secret of [ada.email, ada.token, PASSWORD, '127.0.0.1']) t.notMatch(JSON.stringify(warnings()), secret)
})

t.test('a limit is whole again after a minute', async (t) => {
  let now = Date.now()
  t.intercept(Date, 'now', { value: () => now })
  const { logIn } = await limited(t, { RATE_LIMIT_ADDRESS: '1' })
  t.equal((await logIn(known)).status, 200)
  now += 59_000
  const refusal = await logIn(known)
  isRefused(t, refusal)
  t.equal(refusal.headers['retry-after'], '1')
  now += 1000
  t.equal((await logIn(known)).status, 200)
})

t.test('an account is limited for each address, however its email is written', async (t) => {
  const { logIn } = await limited(t, { RATE_LIMIT_ACCOUNT: '2', TRUST_PROXY: 'loopback' })
  const wrong = { ...known, password: 'guess' }
  t.equal((await logIn(wrong, '192.0.2.1')).status, 401)
  t.equal((await logIn({ email: ` ${ada.email.toUpperCase()}\n` }, '192.0.2.1')).status, 422, 'also a body that is refused')
  for (const body of [wrong, known, { email: ada.email }]) isRefused(t, await logIn(body, '192.0.2.1'))
  t.equal((await logIn(known, '192.0.2.2')).status, 200, 'who guesses locks out nobody else')
  t.equal((await logIn({ ...known, email: bob.email }, '192.0.2.1')).status, 200, 'and another account is another')
})

t.test('a body that names no account counts for the address alone', async (t) => {
  const { call, logIn } = await limited(t, { RATE_LIMIT_ACCOUNT: '1' })
  for (const body of [[], {}, { email: null }, { email: 1 }, { email: [ada.email] }, 'null']) {
    const answer = await logIn(body)
    t.equal(answer.status, 422)
    t.match(answer.headers.ratelimit, /^"address";r=\d+;t=60$/)
  }
  t.equal((await call('POST', '/api/auth/login')).status, 422)
})

t.test('an address is what a trusted proxy says, and of IPv6 the /64', async (t) => {
  const { logIn } = await limited(t, { RATE_LIMIT_ADDRESS: '1', TRUST_PROXY: '127.0.0.1, 10.0.0.0/8' })
  const same: Array<[status: number, from: string]> = [
    [200, '2001:db8:1:2::1'], [429, '2001:db8:1:2:ffff::9'], [429, '2001:0DB8:1:2::1'], [200, '2001:db8:1:3::1'],
    [200, '192.0.2.1'], [429, '::ffff:192.0.2.1'], [200, '192.0.2.2'],
    [429, '192.0.2.9, 192.0.2.1'], [429, '192.0.2.1, 10.1.2.3'], [200, '192.0.2.9, 10.1.2.3'],
    [429, '192.0.2.9:80'], [429, '192.0.2.1, 10.1.2.3:443'], [429, '[2001:db8:1:2::5]:443'], [200, '198.51.100.1:1024'], [429, '198.51.100.1:1025'],
    [200, 'unknown'], [429, '_hidden']
  ]
  for (const [status, from] of same) t.equal((await logIn(known, from)).status, status, from)
})

t.test('an address counts in Forwarded too, where there is no X-Forwarded-For', async (t) => {
  const { call } = await limited(t, { RATE_LIMIT_ADDRESS: '1', TRUST_PROXY: 'loopback' })
  const logIn = async (headers: Record<string, string>) => (await call('POST', '/api/auth/login', { body: known, headers })).status
  t.equal(await logIn({ forwarded: 'for="[2001:db8:1:2::1]:4711";proto=https' }), 200)
  t.equal(await logIn({ forwarded: 'for=192.0.2.1, for="[2001:db8:1:2::9]"' }), 429)
  t.equal(await logIn({ 'x-forwarded-for': '2001:db8:1:2::5', forwarded: 'for=192.0.2.7' }), 429)
  t.equal(await logIn({ forwarded: 'for=192.0.2.7' }), 200)
})

t.test('all of an IPv6 /48 have ten times as many', async (t) => {
  const { logIn } = await limited(t, { RATE_LIMIT_ADDRESS: '1', RATE_LIMIT_ACCOUNT: '1000', TRUST_PROXY: 'loopback' })
  for (let i = 0; i < 10; i++) {
    const answer = await logIn(known, `2001:db8:7:${i}::1`)
    t.equal(answer.status, 200)
    t.match(answer.headers['ratelimit-policy'], '"address";q=1;w=60, "network";q=10;w=60, "account"')
  }
  isRefused(t, await logIn(known, '2001:db8:7:ff::1'))
  t.equal((await logIn(known, '2001:db8:8:ff::1')).status, 200, 'and the next /48 has its own')
})

t.test('what anybody else says about the address does not count', async (t) => {
  for (const settings of [{}, { TRUST_PROXY: '10.0.0.0/8' }]) {
    const { logIn } = await limited(t, { RATE_LIMIT_ADDRESS: '1', ...settings })
    t.equal((await logIn(known, '192.0.2.1')).status, 200)
    isRefused(t, await logIn(known, '192.0.2.2'))
  }
})

t.test('a user has one limit for everything else, on both mounts, after the token and before anything about the request', async (t) => {
  const { call } = await limited(t, { RATE_LIMIT_USER: '3' })
  const as = (token: string) => async (method: string, path: string, body?: unknown) => call(method, path, { token, body })
  const adas = as(ada.token)
  t.equal((await adas('GET', '/api/auth/me')).status, 200)
  t.equal((await adas('GET', `/api/${ada.id}/tasks`)).status, 200)
  t.equal((await adas('POST', '/api/tasks', {})).status, 422)
  for (const [method, path] of [['GET', '/api/tasks'], ['POST', '/api/tasks'], ['GET', '/api/tasks/x'], ['DELETE', `/api/${bob.id}/tasks/x`], ['GET', '/api/auth/me']] as const) {
    isRefused(t, await adas(method, path, method === 'POST' ? '{' : undefined), `${method} ${path}`)
  }
  t.equal((await as(bob.token)('GET', '/api/tasks')).status, 200, 'of which another user knows nothing')
  const nobody = await call('GET', '/api/tasks', { token: 'not a token' })
  t.strictSame([nobody.status, ...limitsOf(nobody)], [401, undefined, undefined])
})

t.test('without its Redis everything goes on, and each process counts for itself', async (t) => {
  // One that is not there, and one that takes a connection and says nothing.
  const silent = createServer((socket) => { socket.on('error', () => {}).resume() }).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  for (const port of [1, (silent.address() as AddressInfo).port]) {
    const { call, logIn, warnings } = await limited(t, {
      RATE_LIMIT_ACCOUNT: '2', RATE_LIMIT_USER: '2', REDIS_URL: `redis://todo:s3cret@127.0.0.1:${port}`
    })
    const answers = [await logIn(known), await logIn(known), await logIn(known)]
    t.strictSame(answers.map(({ status }) => status), [200, 200, 429])
    t.strictSame(limitsOf(answers[1]!), ['"address";q=60;w=60, "account";q=2;w=60', '"address";r=58;t=60, "account";r=0;t=60'])
    const tasks = [1, 2, 3].map(async () => call('GET', '/api/tasks', { token: ada.token }))
    t.strictSame((await Promise.all(tasks)).map(({ status }) => status), [200, 200, 429])
    const lines = warnings().filter(({ msg }) => msg.startsWith('Redis'))
    t.match(lines[0], { msg: 'Redis unavailable; this process does without', reason: String })
    t.notOk(lines.some(({ time }, n) => n > 0 && Number(time) - Number(lines[n - 1]!.time) < 990), 'once in a second, for all connections')
    t.notMatch(JSON.stringify(warnings()), /s3cret|"stack"/)
  }
})

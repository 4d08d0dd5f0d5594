import t from 'tap'
import { PASSWORD, startApp, testSettings } from '../helper.js'
import { bearer, forge, hmac, HS256, INVALID, issuer, now, tokenTester } from '../support/tokens.js'

const { call, signUp, db, ada, claims, refused, statusOf } = await tokenTester(t)

const decoded = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>

t.test('a token says who, for how long, by whom and for whom, and nothing else', async (t) => {
  const before = now()
  const { token, user } = await signUp()
  const [header, payload, signature] = token.split('.') as [string, string, string]
  t.strictSame(decoded(header), HS256)
  const { iat, exp, ...who } = decoded(payload) as { iat: number, exp: number, sid: string }
  t.strictSame(who, { sub: user.id, email: user.email, sid: who.sid, ...issuer })
  t.match(who.sid, /^[0-9a-f-]{36}$/)
  t.ok(Number.isInteger(iat) && iat >= before && iat <= now(), 'iat is the time of the login, in seconds')
  t.equal(exp - iat, 30 * 60, 'half an hour by default')
  t.equal(`${header}.${payload}.${signature}`, hmac(`${header}.${payload}`), 'signed with the secret')
})

t.test('a token lives as long as the setting says, and `expires_in` says it too', async (t) => {
  const { call: there } = await startApp(t, { database: db, settings: { ACCESS_TOKEN_EXPIRE_MINUTES: '7' } })
  const { body } = await there('POST', '/api/auth/login', { body: { email: ada.email, password: PASSWORD } })
  const { iat, exp } = decoded(body.access_token.split('.')[1]) as { iat: number, exp: number }
  t.equal(body.expires_in, 7 * 60)
  t.equal(exp - iat, 7 * 60)
})

t.test('a token of an application with another key, issuer or audience is of no use here, nor ours there', async (t) => {
  const others = [{ SECRET_KEY: 'another key, and long enough for HS256' }, { JWT_ISSUER: 'another' }, { JWT_AUDIENCE: 'another' }]
  for (const other of others) {
    const [name] = Object.keys(other)
    const there = await startApp(t, { database: db, settings: other })
    const bob = await there.signUp('Bob')
    t.equal((await bob.call('GET', '/api/auth/me')).status, 200, `${name}: good where it was made`)
    await refused(t, `another ${name}`, bearer(bob.token), INVALID)
    t.equal((await there.call('GET', '/api/auth/me', { token: ada.token })).status, 401, `${name}: ours there`)
  }
})

t.test('after a change of the key, tokens of the one before go on, and new ones are not theirs', async (t) => {
  const previous = testSettings.SECRET_KEY
  const settings = { SECRET_KEY: 'the next key, and long enough for HS256', SECRET_KEY_PREVIOUS: previous }
  const there = await startApp(t, { database: db, settings })
  const get = async (at: typeof call, token: string) => (await at('GET', '/api/auth/me', { token })).status
  t.equal(await get(there.call, ada.token), 200)
  const { token } = await there.signUp('Bob')
  t.equal(await get(there.call, token), 200)
  t.equal(await get(call, token), 401, 'what it signs, it signs with the new key')

  const about = (key: string) => ({
    'a third key': forge(HS256, claims(), { key: 'x'.repeat(64) }),
    'the end of its life': forge(HS256, claims({ exp: now() - 1 }), { key }),
    'another issuer': forge(HS256, claims({ iss: 'another' }), { key }),
    'another algorithm': forge({ alg: 'HS512' }, claims(), { key, hash: 'sha512' })
  })
  for (const key of [settings.SECRET_KEY, previous]) {
    for (const [what, bad] of Object.entries(about(key))) t.equal(await get(there.call, bad), 401, what)
  }
})

t.test('a token ends at `exp`, to the millisecond, however often it was good, and begins at `nbf`', async (t) => {
  const at = now() + 100
  let clock = at * 1000
  t.intercept(Date, 'now', { value: () => clock })
  for (const [nbf, early] of [[undefined, 200], [at - 10, 401]] as const) {
    const token = forge(HS256, claims({ exp: at, nbf }))
    for (const [time, status] of [[-10_001, early], [-10_000, 200], [-1, 200], [0, 401], [1, 401], [1000, 401]] as const) {
      clock = at * 1000 + time
      t.equal(await statusOf(bearer(token)), status, `${time} ms after exp`)
    }
    clock = at * 1000 + 1000
    await refused(t, 'a second after exp', bearer(token), INVALID)
  }
})

import t from 'tap'
import { PASSWORD, startApp, testSettings } from '../../helper.js'
import { isIn, logIn, mailbox } from '../../support/accounts.js'
import { until } from '../../support/until.js'

let clock = Date.now()
const mails = mailbox()
const { call, signUp, db } = await startApp(t, { now: () => clock, print: mails.print })
const NEW = 'battery staple'
const BAD_TOKEN = { detail: [{ loc: ['body', 'token'], msg: 'must be the token of a mail that is still good', type: 'value_error.token' }], status_code: 422 }
const subjects = (email: string) => mails.to(email).map(({ subject }) => subject.replace(' for Todo Backend API', ''))
/** Does something that mails, after the answer. @returns the token of the mail */
async function mailed (email: string, ask: () => Promise<{ status: number }>): Promise<string> {
  const before = mails.to(email).length
  t.equal((await ask()).status, 202)
  await until(`a mail to ${email}`, () => mails.to(email).length > before)
  return mails.tokenTo(email)
}
const forget = async (email: string) => mailed(email.trim().toLowerCase(), async () => call('POST', '/api/auth/password-reset', { body: { email } }))
const reset = async (token: string, password = NEW) => call('POST', '/api/auth/password-reset/confirm', { body: { token, new_password: password } })
const confirm = async (token: string) => call('POST', '/api/auth/email-verification/confirm', { body: { token } })

t.test('a person changes the name', async (t) => {
  const ada = await signUp()
  const { status, body } = await ada.call('PATCH', '/api/auth/me', { body: { name: '🦉 King' } })
  t.strictSame([status, body], [200, { ...ada.user, name: '🦉 King' }])
  t.strictSame((await ada.call('GET', '/api/auth/me')).body, body)
  for (const bad of [{}, { name: ' ' }, { name: 'x'.repeat(101) }, { name: 'Ada', email: 'a@b.cd' }]) {
    t.equal((await ada.call('PATCH', '/api/auth/me', { body: bad })).status, 422, JSON.stringify(bad))
  }
})

t.test('a person changes the password: this session goes on, every other ends, and a mail tells', async (t) => {
  const ada = await signUp()
  const other = await logIn(call, ada.email)
  const change = async (current: string, next: string) => ada.call('PUT', '/api/auth/me/password', { body: { current_password: current, new_password: next } })
  t.strictSame([(await change('wrong one', NEW)).status, (await change('wrong one', NEW)).body], [403, { detail: 'Wrong password', status_code: 403 }])
  t.equal((await change('wrong one', 'short')).status, 422, 'a broken rule comes first')
  t.equal((await change('x'.repeat(1025), NEW)).status, 422)
  t.ok(await isIn(call, other.access_token))
  t.equal((await change(PASSWORD, NEW)).status, 204)
  t.strictSame([await isIn(call, ada.token), await isIn(call, other.access_token)], [true, false])
  t.equal((await call('POST', '/api/auth/login', { body: { email: ada.email, password: PASSWORD } })).status, 401)
  await logIn(call, ada.email, { password: NEW })
  t.strictSame(subjects(ada.email), ['Confirm your email address', 'Your password has changed'])
})

t.test('a forgotten password is set by mail, once and within half an hour: every session ends, and the email is verified', async (t) => {
  const ada = await signUp()
  const [first, second] = [await forget(ada.email), await forget(` ${ada.email.toUpperCase()}\t`)]
  t.equal((await reset(first, 'short')).status, 422)
  t.equal((await reset(first)).status, 204)
  t.notOk(await isIn(call, ada.token))
  const { user } = await logIn(call, ada.email, { password: NEW })
  t.equal(user.email_verified, true)
  for (const token of [first, second]) {
    const { status, body } = await reset(token)
    t.strictSame([status, body], [422, BAD_TOKEN])
  }
  t.strictSame(subjects(ada.email).at(-1), 'Your password has changed')
  const late = await forget(ada.email)
  clock += 1_800_000
  t.strictSame((await reset(late)).body, BAD_TOKEN)
})

t.test('a link is good for what it was mailed for and for nothing else', async (t) => {
  const ada = await signUp()
  const welcome = mails.tokenTo(ada.email)
  const token = await forget(ada.email)
  const foreign = await startApp(t, { database: db, settings: { SECRET_KEY: 'another key, and long enough for HS256' } })
  for (const bad of ['', 'x', welcome, token.slice(0, -1), `${token}A`, token.replace(/^./, (first) => first === 'A' ? 'B' : 'A')]) {
    t.strictSame((await reset(bad)).body, BAD_TOKEN, bad)
  }
  t.strictSame((await confirm(token)).body, BAD_TOKEN)
  t.strictSame((await foreign.call('POST', '/api/auth/password-reset/confirm', { body: { token, new_password: NEW } })).body, BAD_TOKEN)
  const settings = { SECRET_KEY: 'the next key, and long enough for HS256', SECRET_KEY_PREVIOUS: testSettings.SECRET_KEY }
  const next = await startApp(t, { database: db, settings })
  t.equal((await next.call('POST', '/api/auth/password-reset/confirm', { body: { token, new_password: NEW } })).status, 204, 'a new key spoils no link')
})

t.test('nobody learns whether there is an account: the answer for a reset is the same', async (t) => {
  const ada = await signUp()
  const [known, unknown] = await Promise.all([ada.email, `un${ada.email}`].map(async (email) => call('POST', '/api/auth/password-reset', { body: { email } })))
  t.strictSame([known!.status, known!.body], [202, { status: 'accepted' }])
  t.strictSame([unknown!.status, unknown!.text], [202, known!.text])
  const headers = ({ headers }: typeof known & object) => Object.keys(headers).sort()
  t.strictSame(headers(unknown!), headers(known!))
  t.equal((await call('POST', '/api/auth/password-reset', { body: { email: 'ada' } })).status, 422)
})

t.test('an email is confirmed by its link, the second time too, and is sent once more on request', async (t) => {
  const ada = await signUp()
  t.equal(ada.user.email_verified, false)
  const token = mails.tokenTo(ada.email)
  const again = await mailed(ada.email, async () => ada.call('POST', '/api/auth/email-verification', { body: { is: 'ignored' } }))
  for (const one of [token, again, token]) t.equal((await confirm(one)).status, 204)
  t.equal((await ada.call('GET', '/api/auth/me')).body.email_verified, true)
  const sent = mails.to(ada.email).length
  t.equal((await ada.call('POST', '/api/auth/email-verification')).status, 202)
  t.equal(mails.to(ada.email).length, sent, 'nothing is sent when it is verified')
  const bob = await signUp('Bob')
  clock += 3 * 86_400_000
  t.strictSame((await confirm(mails.tokenTo(bob.email))).body, BAD_TOKEN, 'after three days')
})

t.test('another email counts when the new address confirms it, and then the old one is told', async (t) => {
  const ada = await signUp()
  const eve = await signUp('Eve')
  const wish = `new-${ada.email}`
  const change = async (email: string, password = PASSWORD) => ada.call('PUT', '/api/auth/me/email', { body: { email, password } })
  t.equal((await change(wish, 'wrong one')).status, 403)
  t.equal((await change('ada', 'wrong one')).status, 422)
  t.strictSame((await change(eve.email)).body, { detail: 'Email already exists', status_code: 409 })
  const token = await mailed(wish, async () => change(` ${wish.toUpperCase()}`))
  t.equal((await ada.call('GET', '/api/auth/me')).body.email, ada.email, 'not yet')
  t.equal((await confirm(token)).status, 204)
  t.match((await ada.call('GET', '/api/auth/me')).body, { email: wish, email_verified: true })
  t.equal((await confirm(token)).status, 204, 'the second time too')
  t.strictSame(subjects(ada.email), ['Confirm your email address', 'Your email address has changed'])
  t.match(mails.to(ada.email).at(-1)!.text, wish)
  await logIn(call, wish)
  t.equal((await confirm(mails.to(ada.email)[0]!.text.match(/verify_email=(\S+)/)![1]!)).status, 422, 'a link to the old address is spent')
})

t.test('a new email that somebody else has taken meanwhile is 409', async (t) => {
  const ada = await signUp()
  const wish = `taken-${ada.email}`
  const token = await mailed(wish, async () => ada.call('PUT', '/api/auth/me/email', { body: { email: wish, password: PASSWORD } }))
  await call('POST', '/api/auth/signup', { body: { email: wish, password: PASSWORD, name: 'Eve' } })
  t.strictSame((await confirm(token)).body, { detail: 'Email already exists', status_code: 409 })
})

t.test('whoever had the password cannot take the account over by an email that they asked for before it was changed', async (t) => {
  const ada = await signUp()
  const wish = `thief-${ada.email}`
  const token = await mailed(wish, async () => ada.call('PUT', '/api/auth/me/email', { body: { email: wish, password: PASSWORD } }))
  t.equal((await ada.call('PUT', '/api/auth/me/password', { body: { current_password: PASSWORD, new_password: NEW } })).status, 204)
  t.strictSame((await confirm(token)).body, BAD_TOKEN)
  await ada.call('POST', '/api/auth/me/delete', { body: { password: NEW } })
  t.strictSame((await confirm(token)).body, BAD_TOKEN, 'nor when the account is gone')
})

t.test('where emails have to be verified, the right password of one that is not is 403 and sends the mail again; a session goes on', async (t) => {
  const ada = await signUp()
  const strict = await startApp(t, { database: db, print: mails.print, settings: { REQUIRE_VERIFIED_EMAIL: 'true' } })
  const logInThere = async (password: string) => strict.call('POST', '/api/auth/login', { body: { email: ada.email, password } })
  const sent = mails.to(ada.email).length
  t.equal((await logInThere('wrong one')).status, 401)
  t.equal(mails.to(ada.email).length, sent)
  t.strictSame((await logInThere(PASSWORD)).body, { detail: 'Email not verified', status_code: 403 })
  t.equal(mails.to(ada.email).length, sent + 1)
  const old = await logIn(call, ada.email)
  t.equal((await strict.call('POST', '/api/auth/refresh', { body: { refresh_token: old.refresh_token } })).status, 200, 'refresh does not ask')
  t.equal((await strict.call('GET', '/api/auth/me', { token: old.access_token })).status, 200)
  t.equal((await strict.call('POST', '/api/auth/email-verification/confirm', { body: { token: mails.tokenTo(ada.email) } })).status, 204)
  t.equal((await logInThere(PASSWORD)).status, 200)
})

t.test('a server in production without a mail server: what needs a mail is 503 after validation, all else works', async (t) => {
  const settings = { NODE_ENV: 'production', DATABASE_URL: 'postgres://todo@127.0.0.1/todo', SECRET_KEY: 'f3b1c9d27e6a4085b9d8f3b1c9d27e6a' }
  const there = await startApp(t, { database: db, settings })
  const ada = await there.signUp()
  const asks: Array<[string, string, object?]> = [
    ['PUT', 'me/email', { email: 'new@example.com', password: PASSWORD }], ['POST', 'password-reset', { email: ada.email }], ['POST', 'email-verification']
  ]
  for (const [method, path, body] of asks) {
    t.strictSame((await ada.call(method, `/api/auth/${path}`, { body })).body, { detail: 'Service unavailable', status_code: 503 }, path)
    if (body) t.equal((await ada.call(method, `/api/auth/${path}`, { body: { ...body, email: 'ada' } })).status, 422, path)
  }
  t.equal((await ada.call('PUT', '/api/auth/me/password', { body: { current_password: PASSWORD, new_password: NEW } })).status, 204)
  t.equal((await there.call('POST', '/api/auth/password-reset/confirm', { body: { token: 'x', new_password: NEW } })).status, 422)
})

t.test('the time of an answer for a reset tells nothing of whether there is such an account', async (t) => {
  const ada = await signUp()
  const times: Record<string, number[]> = { known: [], unknown: [] }
  for (let n = 0; n < 300; n++) {
    for (const [who, email] of [['known', ada.email], ['unknown', `un${ada.email}`]] as const) {
      const begin = performance.now()
      await call('POST', '/api/auth/password-reset', { body: { email } })
      times[who]!.push(performance.now() - begin)
    }
  }
  // Mann-Whitney: how often one is slower than the other, which is half of the time when nobody can tell.
  const { known, unknown } = times as { known: number[], unknown: number[] }
  const slower = known.flatMap((one) => unknown.map((other) => (Math.sign(one - other) + 1) / 2)).reduce((sum, n) => sum + n, 0)
  const share = slower / (known.length * unknown.length)
  t.ok(Math.abs(share - 0.5) < 0.15, `one for a known email is slower than one for an unknown in ${(share * 100).toFixed(1)}% of the cases`)
})

import t from 'tap'
import type { LoginAnswer } from '../../../src/schemas/auth.js'
import { PASSWORD, startApp, type Answer } from '../../helper.js'
import { logIn, mailbox, refresh } from '../../support/accounts.js'
import { until } from '../../support/until.js'

const mails = mailbox()
const plain = await startApp(t, { print: mails.print })
const settings = { RATE_LIMIT: 'on', RATE_LIMIT_ADDRESS: '20' }
const limited = async () => await startApp(t, { database: plain.db, print: mails.print, settings })
/** How often something goes until it is 429. */
async function until429 (ask: () => Promise<Answer>): Promise<number> {
  for (let count = 0; ; count++) if ((await ask()).status === 429) return count
}

t.test('an office of 200 people behind one address renews at nine o\'clock, and each session 30 times a minute', async (t) => {
  const { email } = await plain.signUp()
  const there = await limited()
  const eve = await plain.signUp('Eve')
  const people: LoginAnswer[] = []
  // One after the other: hashes have a queue. A person has a hundred sessions at most.
  for (let n = 0; n < 99; n++) for (const one of [email, eve.email]) people.push(await logIn(plain.call, one))
  const statuses = await Promise.all(people.map(async ({ refresh_token: token }) => (await refresh(there.call, token)).status))
  t.strictSame(statuses.filter((status) => status !== 200), [])
  t.equal(await until429(async () => refresh(there.call, people[0]!.refresh_token)), 29)
  t.equal((await refresh(there.call, people[1]!.refresh_token)).status, 200)
  const { headers } = await refresh(there.call, people[1]!.refresh_token)
  t.match(headers, { ratelimit: /^"session";r=27;t=\d+$/, 'ratelimit-policy': '"session";q=30;w=60' })
})

t.test('what is no token of ours is counted by address, like logins', async (t) => {
  const there = await limited()
  t.equal(await until429(async () => refresh(there.call, 'guess')), 20)
  const { refresh_token: token } = await logIn(plain.call, (await plain.signUp()).email)
  t.equal((await refresh(there.call, token)).status, 200, 'which harms nobody else behind it')
})

t.test('whatever asks for the password is counted by user, ten a minute together, wherever it comes from', async (t) => {
  const there = await limited()
  const [ada, eve] = [await plain.signUp(), await plain.signUp('Eve')]
  const asks = [['PUT', 'password', { current_password: 'wrong one', new_password: 'battery staple' }], ['PUT', 'email', { email: 'x@example.com', password: 'wrong one' }],
    ['POST', 'delete', { password: 'wrong one' }]] as const
  let n = 0
  t.equal(await until429(async () => {
    const [method, path, body] = asks[n++ % 3]!
    return there.call(method, `/api/auth/me/${path}`, { token: ada.token, body })
  }), 10)
  t.equal((await there.call('POST', '/api/auth/me/delete', { token: eve.token, body: { password: PASSWORD } })).status, 204)
})

t.test('resets and confirmations are counted by address', async (t) => {
  for (const [path, body] of [
    ['password-reset/confirm', { token: 'x', new_password: 'battery staple' }], ['email-verification/confirm', { token: 'x' }]
  ] as const) {
    const there = await limited()
    t.equal(await until429(async () => there.call('POST', `/api/auth/${path}`, { body })), 20, path)
  }
  const there = await limited()
  let n = 0
  t.equal(await until429(async () => there.call('POST', '/api/auth/password-reset', { body: { email: `${n++}@example.com` } })), 20)
})

t.test('an address gets three mails an hour that somebody asks for; the fourth request is answered the same and sends nothing', async (t) => {
  const there = await limited()
  const ada = await plain.signUp()
  const sent = () => mails.to(ada.email).length
  const begun = sent()
  const ask = async () => there.call('POST', '/api/auth/password-reset', { body: { email: ada.email } })
  for (let n = 0; n < 3; n++) {
    t.equal((await ask()).status, 202)
    await until('it is sent', () => sent() === begun + n + 1)
  }
  const fourth = await ask()
  t.strictSame([fourth.status, fourth.body], [202, { status: 'accepted' }])
  t.equal((await there.call('POST', '/api/auth/email-verification', { token: ada.token })).status, 202)
  const bob = await plain.signUp('Bob')
  const before = mails.to(bob.email).length
  await there.call('POST', '/api/auth/password-reset', { body: { email: bob.email } })
  await until('another address gets one', () => mails.to(bob.email).length > before)
  t.equal(sent(), begun + 3)
  const wish = `wish-${ada.email}`
  for (let n = 0; n < 4; n++) await there.call('PUT', '/api/auth/me/email', { token: ada.token, body: { email: wish, password: PASSWORD } })
  await until('the new address gets them', () => mails.to(wish).length >= 3)
  t.equal(mails.to(wish).length, 3)
})

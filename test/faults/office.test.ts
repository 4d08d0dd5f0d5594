import t, { type Test } from 'tap'
import { signed } from '../../src/accounts/signed.js'
import { smtpServer } from '../support/smtp-server.js'
import { until } from '../support/until.js'
import { PASSWORD, clientOf, newEmail, signUp, type Answer, type Client, type Person } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { mailing } from './support/refusing-mail.js'
import { NOISE, PROMISED } from './support/run.js'
import { startServer } from './support/server.js'
import { countsOf, note, report, tally } from './support/table.js'

/*
 * The limits of what came with sessions, for addresses that are real: each client has one of the loopback's own. That replicas
 * count together is in guessing.test.ts.
 */

/** The defaults of RATE_LIMIT_ADDRESS, RATE_LIMIT_ACCOUNT, RATE_LIMIT_SESSION and RATE_LIMIT_MAILS. */
const ADDRESS = 60
const ACCOUNT = 10
const SESSION = 30
const MAILS = 3

/** People behind one address, and guesses from there. */
const PEOPLE = 200
const GUESSES = 500

/** Requests at a time: fewer than may wait for a hash, and so few that a busy machine answers them within a statement's time. */
const AT_A_TIME = 20

const statuses = (answers: Answer[]) => tally(answers.map(({ status }) => String(status)))

const renew = async (client: Client, token: string) => client.call('POST', '/api/auth/refresh', { body: { refresh_token: token } })

/** Texts that look like refresh tokens of somebody, and are none. */
const guessesOf = ({ id, refreshToken }: Person): string[] => [
  'guess', refreshToken.slice(0, -1), refreshToken.replace(/.$/, (last) => last === 'A' ? 'B' : 'A'), refreshToken.replace('.', ''),
  signed('refresh token', ['another SECRET_KEY, of another server']).sign([id, id, 0])
]

async function onPostgres (t: Test, { url }: Cluster): Promise<void> {
  const post = await smtpServer(t)
  const { port } = await startServer(t, { DATABASE_URL: url, RATE_LIMIT: 'on', TRUST_PROXY: 'loopback', ...mailing(post.url) })
  const unlimited = clientOf(t, (await startServer(t, { DATABASE_URL: url })).port)

  let addresses = 0
  const atNewAddress = () => clientOf(t, port, Infinity, `127.9.${Math.floor(++addresses / 250)}.${addresses % 250 + 1}`)

  /** So many requests, some at a time. @returns their answers, in the order of the requests */
  async function ask (count: number, send: (n: number) => Promise<Answer>): Promise<Answer[]> {
    const answers: Answer[] = []
    let next = 0
    await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
      for (let n = next++; n < count; n = next++) answers[n] = await send(n)
    }))
    return answers
  }

  const people: Person[] = []
  while (people.length < PEOPLE) people.push(...await signUp(unlimited, AT_A_TIME))
  const office = atNewAddress()

  /** Everybody renews, each in two tabs at the same moment. */
  async function renewAll (t: Test, when: string): Promise<void> {
    const answers = await ask(PEOPLE * 2, async (n) => renew(office, people[Math.floor(n / 2)]!.refreshToken))
    t.strictSame(statuses(answers), { 200: PEOPLE * 2 }, `nobody is refused${when}`)
    for (const [n, person] of people.entries()) {
      const [one, other] = [answers[n * 2]!, answers[n * 2 + 1]!]
      if (one.body.refresh_token !== other.body.refresh_token) t.fail('two tabs have two tokens', { one, other })
      person.refreshToken = one.body.refresh_token
    }
    report(t, {
      fault: `${PEOPLE} people behind one address renew, in two tabs each${when}`, ...countsOf(answers.map(({ status, ms }) => ({ outcome: status, ms })))
    })
    t.ok(Math.max(...answers.map(({ ms }) => ms)) < PROMISED * NOISE, 'and all are served soon')
  }

  await t.test(`an office of ${PEOPLE} people behind one address renews at nine o'clock, and somebody guesses there`, async (t) => {
    await renewAll(t, '')
    const wrong = people.flatMap(guessesOf)
    const [guesses] = await Promise.all([
      ask(GUESSES, async (n) => renew(office, wrong[n]!)), renewAll(t, ', while somebody guesses there')
    ])
    t.strictSame(statuses(guesses), { 401: ADDRESS, 429: GUESSES - ADDRESS }, 'the guesser is')
    await renewAll(t, ', after that')
    const elsewhere = atNewAddress()
    t.equal((await renew(elsewhere, 'guess')).status, 401, 'at another address guesses are counted anew')
    const network = async (n: number) => elsewhere.call('POST', '/api/auth/refresh', {
      body: { refresh_token: 'guess' }, headers: { 'x-forwarded-for': `2001:db8:77:1::${n + 1}` }
    })
    t.strictSame(statuses(await ask(ADDRESS * 2, network)), { 401: ADDRESS, 429: ADDRESS }, 'a /64 is one address')
  })

  await t.test('a token that was stolen renews as often as one session may, wherever it is used', async (t) => {
    const [{ refreshToken }] = await signUp(unlimited, 1) as [Person]
    const answers = await ask(SESSION * 3, async () => renew(atNewAddress(), refreshToken))
    t.strictSame(statuses(answers), { 200: SESSION, 429: SESSION * 2 })
  })

  await t.test('what asks for the password counts by user, wherever it comes from', async (t) => {
    const [{ token }, { token: other }] = await signUp(unlimited, 2) as [Person, Person]
    const wrong = { password: 'not it' }
    const asks = [['PUT', 'password', { current_password: 'not it', new_password: PASSWORD }], ['PUT', 'email', { email: newEmail(), ...wrong }], ['POST', 'delete', wrong]] as const
    const one = async (n: number, token: string) => {
      const [method, path, body] = asks[n % 3]!
      return atNewAddress().call(method, `/api/auth/me/${path}`, { token, body })
    }
    t.strictSame(statuses(await ask(ACCOUNT * 3, async (n) => one(n, token))), { 403: ACCOUNT, 429: ACCOUNT * 2 })
    t.equal((await one(0, other)).status, 403, 'somebody else is not counted with them')
  })

  await t.test('resets and confirmations count by address; a reset also by account', async (t) => {
    for (const [path, body, refused] of [
      ['password-reset', () => ({ email: newEmail('nobody') }), 202],
      ['password-reset/confirm', () => ({ token: 'guess', new_password: PASSWORD }), 422],
      ['email-verification/confirm', () => ({ token: 'guess' }), 422]
    ] as const) {
      const from = atNewAddress()
      const answers = await ask(ADDRESS * 2, async () => from.call('POST', `/api/auth/${path}`, { body: body() }))
      t.strictSame(statuses(answers), { [refused]: ADDRESS, 429: ADDRESS }, path)
    }
    const [from, email] = [atNewAddress(), newEmail('nobody')]
    const answers = await ask(ACCOUNT * 2, async () => from.call('POST', '/api/auth/password-reset', { body: { email } }))
    t.strictSame(statuses(answers), { 202: ACCOUNT, 429: ACCOUNT })
  })

  await t.test('an address gets three mails an hour, wherever they are asked for', async (t) => {
    const [{ email }, { email: last }] = await signUp(unlimited, 2) as [Person, Person]
    const reset = async (email: string) => atNewAddress().call('POST', '/api/auth/password-reset', { body: { email } })
    const answers = await ask(ACCOUNT, async () => reset(email))
    t.strictSame([...new Set(answers.map(({ status, body }) => JSON.stringify([status, body])))], ['[202,{"status":"accepted"}]'])
    await reset(last)
    await until('a mail to another address has come, after all of these', () => post.to(last).length === 1)
    await until(`${MAILS} have come`, () => post.to(email).length >= MAILS)
    t.equal(post.to(email).length, MAILS)
  })

  await t.test('RATE_LIMIT=off lifts them all', async (t) => {
    const [{ token }] = await signUp(unlimited, 1) as [Person]
    const guesses = await ask(ADDRESS * 2, async () => renew(unlimited, 'guess'))
    const passwords = await ask(ACCOUNT * 2, async () => unlimited.call('POST', '/api/auth/me/delete', { token, body: { password: 'not it' } }))
    t.strictSame([statuses(guesses), statuses(passwords)], [{ 401: ADDRESS * 2 }, { 403: ACCOUNT * 2 }])
  })
  note(t, `${addresses} addresses; ${post.mails.length} mails`)
}

const cluster = await startCluster(t)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster))

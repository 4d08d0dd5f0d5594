import t from 'tap'
import { PASSWORD, startApp } from '../helper.js'
import { keepLog } from '../support/log.js'
import { passwordsOf } from '../support/passwords.js'
import { newEmail } from '../support/signup.js'

const app = await startApp(t)
const { db } = app
const { logIn, accountWith, hashOf, refuseWrites } = passwordsOf(app)
const WRONG = { detail: 'Invalid email or password', status_code: 401 }

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

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { PASSWORD, startApp } from '../../helper.js'
import { account, entrance, issuesIn, newEmail } from '../../support/signup.js'

const { call, sql } = await startApp(t)
const { signup, login } = entrance(call)

const users = async () => (await sql<{ n: number }>('select count(*)::int as n from todo.users'))[0]!.n

const WHITE_SPACE = [
  ...'\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006',
  ...'\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'
]
const domain = (length: number) => `${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(length - 132)}.com`
const address = (local: number, whole: number) => `${randomUUID().padEnd(local, 'x')}@${domain(whole - local - 1)}`
const longest = address(64, 255)

// As it is sent, and as it is stored.
const goodEmails: Array<[string, string, string?]> = [
  ['64 characters before the @', address(64, 200)], ['255 characters', address(64, 255)],
  ...WHITE_SPACE.map((space): [string, string, string] => {
    const email = newEmail()
    return [`U+${space.charCodeAt(0).toString(16)} around it`, `${space.repeat(2)}${email}${space}`, email]
  }),
  ['255 characters in much white space', ` \r\n${longest}${'\t'.repeat(9000)}`, longest],
  ['upper case', 'UPPER.Case@EXAMPLE.Com', 'upper.case@example.com'],
  ['every character of an atom', "a!#$%&'*+/=?^_`{|}~-09@example.com"], ['dots', 'a.b.c@a.b.c.d'], ['digits', '1@1.2'],
  ['hyphens in the domain', 'a@x--y.a-b.c-d'], ['a label of 63', `a@${'d'.repeat(63)}.com`]
]

t.test('an email of any right form works, is stored trimmed and in lower case, and logs in however it is typed', async (t) => {
  for (const [what, sent, stored = sent] of goodEmails) {
    const { status, body } = await signup(account({ email: sent }))
    t.equal(status, 201, what)
    t.equal(body.email, stored, what)
    for (const typed of [stored, sent, ` ${stored.toUpperCase()}\n`]) {
      t.equal((await login({ email: typed, password: PASSWORD })).body.user?.id, body.id, `${what}, logging in`)
    }
    const again = await signup(account({ email: `${stored.toUpperCase()} ` }))
    t.strictSame(again.body, { detail: 'Email already exists', status_code: 409 }, `${what}, taken`)
  }
})

const emailForm = 'value_error.email'
const badEmails: Array<[string, string, string]> = [
  ['65 characters before the @', address(65, 200), emailForm], ['256 characters', address(64, 256), 'value_error.str.max_length'],
  ['a label of 64', `a@${'d'.repeat(64)}.com`, emailForm],
  ...[
    '', ' ', '\t\n', 'ada', '@', 'ada@', '@example.com', 'ada@localhost', 'ada@@example.com', 'a@b@example.com',
    '.ada@example.com', 'ada.@example.com', 'a..da@example.com', 'a da@example.com', 'ada @example.com', 'ada@ example.com',
    'ada@example .com', 'ada@example.com\nbob@example.com', 'a\tda@example.com', 'ada@.example.com', 'ada@example..com',
    'ada@example.com.', 'ada@-example.com', 'ada@example-.com', 'ada@exa_mple.com', 'ada@example.c_m', 'ada@[127.0.0.1]',
    'ada@example.com:25', '"ada"@example.com', 'Ada <ada@example.com>', 'mailto:ada@example.com',
    'ada@example.com,bob@example.com',
    ...[...'"(),:;<>[\\]'].map((special) => `a${special}da@example.com`),
    'ädä@example.com', 'ada@exämple.com', 'ada@例え.jp', '🦊@example.com', 'e\u0301@example.com', 'ada@example\u3002com',
    'ada\uff20example.com',
    // Not ASCII, though the lower case of the first is: as that, it would be somebody else's address.
    '\u212aate@example.com', 'ada@\u212a.com', 'a\u017fa@example.com', '\u0130@example.com',
    // Neither is white space for Unicode, though JavaScript's trim takes the first.
    '\ufeffada@example.com', 'ada@example.com\u200b',
    'a\u0000da@example.com', 'ada@example.com\u0000', '\ud800@example.com', 'ada@example.com\udfff', 'ada@\ud800.com'
  ].map((email): [string, string, string] => [JSON.stringify(email), email, emailForm])
]

const tooShort = 'value_error.str.min_length'
const tooLong = 'value_error.str.max_length'
const pattern = 'value_error.str.pattern'

// Texts with these are no texts: PostgreSQL cannot store the one, UTF-8 cannot write the others.
const brokenTexts = (start: string): Array<[string, string, string]> =>
  ['\u0000', `${start}\u0000`, `\u0000${start}`, `${start}\ud800`, `${start}\udfff`, `\ud83d${start}`, `${start}\udd8a\ud83e`]
    .map((text) => [JSON.stringify(text), text.padEnd(9, 'x'), pattern])

const badPasswords: Array<[string, string, string]> = [
  ['empty', '', tooShort], ['7 characters', 'secret7', tooShort], ['7 emoji', '🦊'.repeat(7), tooShort],
  ['7 with combining', 'e\u0301e\u0301e\u0301e', tooShort],
  ['129 characters', 's'.repeat(129), tooLong], ['129 emoji', '🦊'.repeat(129), tooLong],
  ['129 that NFC would shorten', `${'e\u0301'.repeat(64)}e`, tooLong],
  ...brokenTexts('secret')
]

const badNames: Array<[string, string, string]> = [
  ['empty', '', tooShort], ['101 characters', 'n'.repeat(101), tooLong], ['101 emoji', '🦊'.repeat(101), tooLong],
  ['101 with combining', `${'e\u0301'.repeat(50)}e`, tooLong],
  ['101 with spaces', `n${' '.repeat(100)}`, tooLong],
  ...WHITE_SPACE.map((space): [string, string, string] => [`U+${space.charCodeAt(0).toString(16)} alone`, space, pattern]),
  ['all white space', WHITE_SPACE.join(''), pattern], ['100 spaces', ' '.repeat(100), pattern],
  ...brokenTexts('Ada')
]

for (const [field, values] of Object.entries({ email: badEmails, password: badPasswords, name: badNames })) {
  t.test(`a signup with a wrong ${field} says so and makes nobody`, async (t) => {
    const before = await users()
    for (const [what, value, type] of values) {
      const { status, body, text } = await signup(account({ [field]: value }))
      t.equal(status, 422, what)
      t.match(body.detail, [{ loc: ['body', field], type }], what)
      t.notMatch(issuesIn(body).join(), new RegExp(`body\\.(?!${field})`), 'nothing else is wrong')
      const written = JSON.stringify(value).slice(1, -1)
      if (field === 'password' && written) t.notOk(text.includes(written), 'the password is not returned')
    }
    t.equal(await users(), before)
  })
}

t.test('a login with a malformed email is refused by the same rule', async (t) => {
  for (const [what, email, type] of badEmails) {
    const { status, body } = await login({ email, password: PASSWORD })
    t.equal(status, 422, what)
    t.match(body.detail, [{ loc: ['body', 'email'], type }], what)
  }
})

t.test('a name comes back byte for byte, in up to 100 characters', async (t) => {
  const names = [
    'n', 'n'.repeat(100), '🦊'.repeat(100), 'e\u0301'.repeat(50), ` ${'n'.repeat(98)} `, '\tAda\n', 'Ада', 'עדה',
    'مرحبا \u202eabc', '👩\u200d👩\u200d👧\u200d👦', '\u00c5\u212bA\u030a', '\ufeffAda', '\u200b', '\u0001', '\uffff', '\u{10ffff}',
    '<b>&amp;"\\/\u2028', "'; drop table users; --", '__proto__', '%00', '\\u0000', 'null'
  ]
  for (const name of names) {
    const given = account({ name })
    const { status, body: { name: shown } } = await signup(given)
    t.equal(status, 201, encodeURI(name))
    t.equal(shown, name)
    const { body } = await login({ email: given.email, password: PASSWORD })
    t.equal(body.user.name, name)
    t.equal((await call('GET', '/api/auth/me', { token: body.access_token })).body.name, name)
  }
})

t.test('a password has 8 to 128 characters, counted as sent', async (t) => {
  const shortest = ['8 chars.', '🦊'.repeat(8), 'e\u0301'.repeat(4)]
  for (const password of [...shortest, 'x'.repeat(128), '🦊'.repeat(128), 'e\u0301'.repeat(64), '\u1e69'.repeat(128)]) {
    const given = account({ password })
    t.equal((await signup(given)).status, 201, `${[...password].length} of ${password.slice(0, 2)}`)
    t.equal((await login({ email: given.email, password })).status, 200)
  }
})

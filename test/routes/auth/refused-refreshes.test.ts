import t from 'tap'
import { startApp } from '../../helper.js'
import { logIn, mailbox, refresh, sessionOf, watched } from '../../support/accounts.js'
import { cleanDatabase } from '../../support/database.js'
import { keepLog } from '../../support/log.js'
import { teardown } from '../../support/teardown.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
const clock = Date.now()
const now = () => clock
const log = keepLog()
const mails = mailbox()
const asked = watched(database)
const one = await startApp(t, { database: asked.database, now, output: log, print: mails.print, settings: { LOG_LEVEL: 'warn' } })
const { call, signUp, sql } = one
const REFUSED = { detail: 'Invalid refresh token', status_code: 401 }

t.test('any text that is no good refresh token is the same 401, and the database is not asked where the signature is not ours', async (t) => {
  const { email } = await signUp()
  const { refresh_token: token, access_token: access } = await logIn(call, email)
  const [text, signature] = token.split('.') as [string, string]
  const flip = (part: string, at: number) => part.slice(0, at) + (part[at] === 'A' ? 'B' : 'A') + part.slice(at + 1)
  const other = await startApp(t, { database, settings: { SECRET_KEY: 'another key, and long enough for HS256' } })
  const foreign = await logIn(other.call, (await other.signUp()).email)
  const forged = Buffer.from(JSON.stringify([JSON.parse(Buffer.from(text, 'base64url').toString())[0], sessionOf(access), 5])).toString('base64url')
  const bad = {
    empty: '',
    word: 'token',
    dots: '..',
    'only a dot': '.',
    'an access token': access,
    'of another server': foreign.refresh_token,
    'without its signature': text,
    'with an empty one': `${text}.`,
    truncated: token.slice(0, -1),
    longer: `${token}A`,
    padded: `${token}=`,
    'white space around it': ` ${token}`,
    'a line break after it': `${token}\n`,
    'another generation': `${forged}.${signature}`,
    'U+0000': '\0',
    'half a character': '\ud800',
    'a long text': 'a'.repeat(60_000),
    ...Object.fromEntries([0, 1, 20, text.length - 1].map((at) => [`bits of the text at ${at}`, `${flip(text, at)}.${signature}`])),
    ...Object.fromEntries([0, 1, 20, 42].map((at) => [`bits of the signature at ${at}`, `${text}.${flip(signature, at)}`])),
    ...Object.fromEntries(['A', 'E', 'I', 'M', 'Q', 'U', 'Y', 'c', 'g', 'k', 'o', 's', 'w', '0', '4', '8'].flatMap((last) =>
      [last, String.fromCharCode(last.charCodeAt(0) + 1)].filter((one) => one !== signature.at(-1)).map((one) =>
        [`a signature that ends with ${one}`, `${text}.${signature.slice(0, -1)}${one}`])))
  }
  asked.names.length = 0
  for (const [what, wrong] of Object.entries(bad)) {
    const { status, body } = await refresh(call, wrong)
    t.strictSame([status, body], [401, REFUSED], what)
  }
  t.strictSame(asked.names.filter((name) => name !== 'endings.newest'), [])
  await sql('delete from todo.sessions where id = $1', [sessionOf(access)])
  t.strictSame((await refresh(call, token)).body, REFUSED, 'of a session that is gone')
  for (const body of [{}, { refresh_token: 5 }, { refresh_token: null }, { refresh_token: token, colour: 'red' }]) {
    t.equal((await call('POST', '/api/auth/refresh', { body })).status, 422, JSON.stringify(body))
  }
})

import t from 'tap'
import { startApp, testSettings } from '../../helper.js'
import { generationOf, isIn, logIn, mailbox, refresh, sessionOf, watched } from '../../support/accounts.js'
import { cleanDatabase } from '../../support/database.js'
import { keepLog } from '../../support/log.js'
import { teardown } from '../../support/teardown.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
let clock = Date.now()
const now = () => clock
const log = keepLog()
const mails = mailbox()
const asked = watched(database)
const one = await startApp(t, { database: asked.database, now, output: log, print: mails.print, settings: { LOG_LEVEL: 'warn' } })
const two = await startApp(t, { database, now, print: mails.print })
const { call, signUp, sql } = one
const REFUSED = { detail: 'Invalid refresh token', status_code: 401 }

t.test('a session renews: new tokens, of which the new refresh token is the next one', async (t) => {
  const { email } = await signUp()
  const begun = await logIn(call, email)
  const { status, headers, body } = await refresh(call, begun.refresh_token)
  t.equal(status, 200)
  t.equal(headers['cache-control'], 'no-store')
  t.strictSame(Object.keys(body).sort(), Object.keys(begun).sort())
  t.strictSame([generationOf(begun.refresh_token), generationOf(body.refresh_token)], [0, 1])
  t.equal(sessionOf(body.access_token), sessionOf(begun.access_token))
  t.strictSame(body.user, begun.user)
  t.ok(await isIn(two.call, body.access_token))
  asked.names.length = 0
  await refresh(call, body.refresh_token)
  t.strictSame(asked.names, ['sessions.rotate'], 'in one statement')
})

t.test('fifty refreshes of one token at once on two servers make one chain and one current token', async (t) => {
  const { email } = await signUp()
  let { refresh_token: token } = await logIn(call, email)
  for (const round of [1, 2]) {
    const answers = await Promise.all(Array.from({ length: 50 }, async (_, n) => refresh(n % 2 ? one.call : two.call, token)))
    t.strictSame([...new Set(answers.map(({ status }) => status))], [200])
    const next = new Set(answers.map(({ body }) => body.refresh_token as string))
    t.equal(next.size, 1)
    ;[token] = [...next] as [string]
    t.equal(generationOf(token), round)
    for (const { body } of answers.slice(0, 3)) t.ok(await isIn(call, body.access_token))
  }
  t.equal((await refresh(two.call, token)).status, 200)
})

t.test('a client that lost an answer, or repeats a request, gets the current token again and does not rotate', async (t) => {
  const { email } = await signUp()
  const { refresh_token: first, access_token: token } = await logIn(call, email)
  const lost = await refresh(call, first)
  const used = async () => (await call('GET', '/api/auth/sessions', { token })).body.sessions.find(({ is_current: is }: { is_current: boolean }) => is)
  const { last_used_at: time } = await used()
  clock += 30_000
  for (let n = 0; n < 3; n++) t.equal((await refresh(call, first)).body.refresh_token, lost.body.refresh_token)
  t.equal((await used()).last_used_at, time, 'which is no use of the session')
  t.equal((await refresh(call, lost.body.refresh_token)).status, 200)
})

/** A connection that breaks at a point of the rotation. */
for (const [when, around] of [['before', 'before'], ['after', 'after']] as const) {
  t.test(`the database connection that breaks ${when} the rotation logs nobody out`, async (t) => {
    let breaks = false
    const broken = watched(database, {
      [around]: (name: string) => {
        if (breaks && name === 'sessions.rotate') throw Object.assign(new Error('cut'), { code: 'ECONNRESET' })
      }
    })
    const there = await startApp(t, { database: broken.database })
    const { email } = await there.signUp()
    const { refresh_token: token } = await logIn(call, email)
    breaks = true
    t.not((await refresh(there.call, token)).status, 401)
    breaks = false
    const again = await refresh(there.call, token)
    t.equal(again.status, 200)
    t.equal((await refresh(call, again.body.refresh_token)).status, 200)
  })
}

t.test('an older token that comes late is refused and ends nothing; later it is theft: the session ends, told once in the log and by mail', async (t) => {
  const ada = await signUp()
  const { refresh_token: stolen } = await logIn(call, ada.email)
  const second = (await refresh(call, stolen)).body
  const third = (await refresh(call, second.refresh_token)).body
  clock += 60_000
  const late = await refresh(call, stolen)
  t.strictSame([late.status, late.body, late.headers['www-authenticate']], [401, REFUSED, 'Bearer'])
  t.ok(await isIn(call, third.access_token), 'a delayed duplicate ends nothing')
  t.equal((await refresh(call, second.refresh_token)).status, 200, 'and the token before the current one is still good')
  const before = log.lines().length
  clock += 1
  const thefts = await Promise.all(Array.from({ length: 5 }, async () => refresh(call, stolen)))
  for (const { status, body } of thefts) t.strictSame([status, body], [401, REFUSED])
  t.notOk(await isIn(call, third.access_token), 'its access tokens end with it')
  t.strictSame((await refresh(call, third.refresh_token)).body, REFUSED)
  const lines = log.lines().slice(before)
  t.strictSame(lines.map(({ msg }) => msg), ['an old refresh token was used: session ended'])
  t.match(lines[0], { user: ada.id, session: sessionOf(third.access_token) })
  t.strictSame(mails.to(ada.email).map(({ subject }) => subject).slice(1), ['A device was logged out of Todo Backend API'])
  t.ok(await isIn(call, ada.token), 'other sessions go on')
  for (const token of [stolen, second.refresh_token, third.refresh_token]) t.notMatch(log.chunks.join(''), token)
})

t.test('a changed SECRET_KEY logs nobody out, and then signs with the new one', async (t) => {
  const { email } = await signUp()
  const { refresh_token: token } = await logIn(call, email)
  const settings = { SECRET_KEY: 'the next key, and long enough for HS256', SECRET_KEY_PREVIOUS: testSettings.SECRET_KEY }
  const there = await startApp(t, { database, now, settings })
  const { status, body } = await refresh(there.call, token)
  t.equal(status, 200)
  t.equal((await refresh(call, body.refresh_token)).status, 401, 'which the server with the old key alone does not know')
  const other = await startApp(t, { database, settings: { SECRET_KEY: 'a third key, and long enough for HS256' } })
  t.strictSame((await refresh(other.call, token)).body, REFUSED)
})

t.test('a token of a generation that a restored backup has undone is refused, and ends nothing', async (t) => {
  const { email } = await signUp()
  const { refresh_token: first, access_token: access } = await logIn(call, email)
  const { refresh_token: second } = (await refresh(call, first)).body
  const { refresh_token: third } = (await refresh(call, second)).body
  await sql('update todo.sessions set generation = 0 where id = $1', [sessionOf(access)])
  clock += 3_600_000
  t.strictSame((await refresh(call, third)).body, REFUSED)
  t.equal((await refresh(call, first)).status, 200)
})

t.test('the session that changes the password may renew at the same moment', async (t) => {
  const { email } = await signUp()
  const { refresh_token: token, access_token: access } = await logIn(call, email)
  let first = true
  const slow = watched(database, {
    // As if the rotation had waited for the change, and seen an account that is older.
    async after (name) {
      if (name !== 'sessions.rotate' || !first) return
      first = false
      await sql('update todo.sessions set generation = generation - 1 where id = $1', [sessionOf(access)])
    }
  })
  const there = await startApp(t, {
    database: {
      ...slow.database,
      run: async (statement, values) => {
        const wasFirst = first
        const rows = await slow.database.run(statement, values)
        return wasFirst && statement.name === 'sessions.rotate' ? [] : rows
      }
    }
  })
  t.equal((await refresh(there.call, token)).status, 200)
})

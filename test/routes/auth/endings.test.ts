import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { DatabaseUnavailable } from '../../../src/db/errors.js'
import { PASSWORD, startApp } from '../../helper.js'
import { isIn, logIn, mailbox, sessionOf, watched } from '../../support/accounts.js'
import { cleanDatabase } from '../../support/database.js'
import { teardown } from '../../support/teardown.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
const mails = mailbox()
const { call, signUp } = await startApp(t, { database, print: mails.print })
const other = await startApp(t, { database })

/** What ends the session of an access token: asked for by whom, and how. */
const ways: Record<string, (email: string, token: string, own: string) => Promise<unknown>> = {
  'a logout': async (_email, token) => call('POST', '/api/auth/logout', { token }),
  'the end of one session': async (_email, token, own) => call('DELETE', `/api/auth/sessions/${sessionOf(token)}`, { token: own }),
  'the end of all others': async (_email, _token, own) => call('DELETE', '/api/auth/sessions?except_current=true', { token: own }),
  'the end of all': async (_email, _token, own) => call('DELETE', '/api/auth/sessions', { token: own }),
  'a changed password': async (_email, _token, own) =>
    call('PUT', '/api/auth/me/password', { token: own, body: { current_password: PASSWORD, new_password: 'battery staple' } }),
  'a reset password': async (email) => {
    await call('POST', '/api/auth/password-reset', { body: { email } })
    await call('POST', '/api/auth/password-reset/confirm', { body: { token: mails.tokenTo(email), new_password: 'battery staple' } })
  },
  'a deleted account': async (_email, _token, own) => call('POST', '/api/auth/me/delete', { token: own, body: { password: PASSWORD } })
}

for (const [way, end] of Object.entries(ways)) {
  t.test(`after ${way} its access tokens are 401 at once, on another server within two seconds, and on one that starts anew`, async (t) => {
    const ada = await signUp()
    const { access_token: token } = await logIn(call, ada.email)
    t.ok(await isIn(other.call, token))
    await end(ada.email, token, ada.token)
    const ended = performance.now()
    t.notOk(await isIn(call, token))
    let last = 0
    for (let asked = 0; await isIn(other.call, token); asked = performance.now() - ended) {
      last = asked
      await sleep(20)
    }
    t.ok(last < 2000, `let in until ${Math.round(last)} ms after`)
    const anew = await startApp(t, { database })
    for (const [method, url] of [['GET', '/api/auth/me'], ['GET', '/api/tasks'], ['POST', '/api/auth/logout']] as const) {
      t.equal((await anew.call(method, url, { token })).status, 401, `${method} ${url}`)
    }
  })
}

t.test('a server that cannot read the endings lets nobody in: 503 as soon as its last reading is two seconds old', async (t) => {
  let isAway = true
  const broken = watched(database, { before: (name) => { if (isAway && name === 'endings.newest') throw new DatabaseUnavailable('away') } })
  const there = await startApp(t, { database: broken.database })
  const { token } = await signUp()
  const ask = async () => (await there.call('GET', '/api/tasks', { token })).status
  t.equal(await ask(), 503, 'before the first reading')
  isAway = false
  t.equal(await ask(), 200)
  const read = performance.now()
  isAway = true
  let last = 0
  for (let asked = 0; await ask() === 200; asked = performance.now() - read) {
    last = asked
    await sleep(50)
  }
  t.ok(last < 2000, `let in until ${Math.round(last)} ms after`)
  const { app } = there
  const legacy = app.jwt.present.sign({ sub: randomUUID(), exp: Math.floor(Date.now() / 1000) + 60 })
  t.equal((await there.call('GET', '/api/tasks', { token: legacy })).status, 401, 'a token without a session is looked at as ever')
  isAway = false
  t.equal(await ask(), 200, 'and it heals')
})

t.test('requests that need a reading share one, and those after it need none', async (t) => {
  const counted = watched(database)
  const there = await startApp(t, { database: counted.database })
  const { token } = await signUp()
  counted.names.length = 0
  await Promise.all(Array.from({ length: 20 }, async () => there.call('GET', '/api/tasks', { token })))
  t.strictSame(counted.names.filter((name) => name === 'endings.newest').length, 1)
  counted.names.length = 0
  await there.call('GET', '/api/tasks', { token })
  t.equal(counted.names.filter((name) => name !== 'endings.newest').length, 1, 'a task request is one statement')
})

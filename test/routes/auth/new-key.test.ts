import t from 'tap'
import { PASSWORD, startApp, testSettings } from '../../helper.js'

/* docs/operations.md: a new SECRET_KEY in three steps, each of them rolled out to one server after the other. */

const OLD = { SECRET_KEY: testSettings.SECRET_KEY }
const NEW = { SECRET_KEY: 'the next key, and long enough for HS256' }
const steps = [OLD, { ...OLD, SECRET_KEY_PREVIOUS: NEW.SECRET_KEY }, { ...NEW, SECRET_KEY_PREVIOUS: OLD.SECRET_KEY }, NEW]

const first = await startApp(t)
const servers = await Promise.all(steps.map(async (settings) => startApp(t, { database: first.db, settings })))
const { email } = await first.signUp()

for (const step of [0, 1, 2]) {
  const pair = [servers[step]!, servers[step + 1]!] as const
  for (const [here, there] of [pair, [pair[1], pair[0]] as const]) {
    const from = here === pair[0] ? 'a server of the step before' : 'a server that has taken it'
    t.test(`step ${step + 1}: who logs in at ${from} is known at the other one`, async (t) => {
      const { body } = await here.call('POST', '/api/auth/login', { body: { email, password: PASSWORD } })
      t.equal((await there.call('GET', '/api/auth/me', { token: body.access_token })).status, 200)
      const renewed = await there.call('POST', '/api/auth/refresh', { body: { refresh_token: body.refresh_token } })
      t.equal(renewed.status, 200)
      t.equal((await here.call('GET', '/api/auth/me', { token: renewed.body.access_token })).status, 200, 'and what that has renewed, at the first one')
      t.equal((await here.call('POST', '/api/auth/refresh', { body: { refresh_token: renewed.body.refresh_token } })).status, 200)
    })
  }
}

t.test('in one step a server that has not taken it yet would not know who has logged in at one that has', async (t) => {
  const { body } = await servers[2]!.call('POST', '/api/auth/login', { body: { email, password: PASSWORD } })
  t.equal((await servers[0]!.call('GET', '/api/auth/me', { token: body.access_token })).status, 401)
})

import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { PASSWORD, startApp } from '../helper.js'
import { keepLog } from '../support/log.js'
import { passwordsOf } from '../support/passwords.js'

const app = await startApp(t)
const { sql, db } = app
const { logIn, accountWith, hashOf, refuseWrites } = passwordsOf(app)
const COST = '$argon2id$v=19$m=64,t=1,p=1$'

const dearer = [{ ARGON2_MEMORY_KIB: '128' }, { ARGON2_TIME_COST: '2' }, { ARGON2_PARALLELISM: '2' }]

t.test('a hash made at another cost is renewed by the next right login, once', async (t) => {
  const email = await accountWith('Crème brûlée')
  const typed = 'Crème brûlée'.normalize('NFD')
  for (const [i, settings] of dearer.entries()) {
    const there = await startApp(t, { database: db, settings })
    const before = await hashOf(email)
    t.equal((await logIn(email, 'not the password', there.call)).status, 401)
    t.equal(await hashOf(email), before, 'a wrong password changes nothing')
    t.equal((await logIn(email, typed, there.call)).status, 200)
    const renewed = await hashOf(email)
    t.match(renewed, ['$argon2id$v=19$m=128,t=1,p=1$', '$argon2id$v=19$m=64,t=2,p=1$', '$argon2id$v=19$m=64,t=1,p=2$'][i]!)
    t.equal((await logIn(email, typed, there.call)).status, 200, 'the password is the same')
    t.equal(await hashOf(email), renewed, 'a hash at the right cost stays')
    t.equal((await logIn(email, 'not the password', there.call)).status, 401)
  }
  t.equal((await logIn(email, 'Crème brûlée')).status, 200)
  t.match(await hashOf(email), COST, 'back to the first cost')
})

t.test('renewing one hash leaves the others alone', async (t) => {
  const [mine, others] = [await accountWith(PASSWORD), await accountWith(PASSWORD)]
  const before = await hashOf(others)
  const there = await startApp(t, { database: db, settings: dearer[0] })
  t.equal((await logIn(mine, PASSWORD, there.call)).status, 200)
  t.match(await hashOf(mine), 'm=128')
  t.equal(await hashOf(others), before)
})

t.test('a hash that was replaced while the login ran is not overwritten', async (t) => {
  const email = await accountWith(PASSWORD)
  const replacement = await hashOf(await accountWith('another password'))
  const meanwhile: Database = {
    ...db,
    async run (statement, values) {
      if (statement.name === 'users.updateHash') {
        await sql('update todo.users set password_hash = $2 where email = $1', [email, replacement])
      }
      return db.run(statement, values)
    }
  }
  const there = await startApp(t, { database: meanwhile, settings: dearer[0] })
  t.equal((await logIn(email, PASSWORD, there.call)).status, 200)
  t.equal(await hashOf(email), replacement)
})

t.test('a hash that cannot be renewed does not fail the login, and the next one tries again', async (t) => {
  const email = await accountWith(PASSWORD)
  const before = await hashOf(email)
  const log = keepLog()
  const there = await startApp(t, { database: db, settings: { ...dearer[0], LOG_LEVEL: 'trace' }, output: log })
  const allow = await refuseWrites('update')
  const { status, body } = await logIn(email, PASSWORD, there.call)
  await allow()
  t.equal(status, 200)
  t.equal((await there.call('GET', '/api/auth/me', { token: body.access_token })).status, 200, 'the token works')
  t.equal(await hashOf(email), before)
  t.match(log.chunks.join(''), /password hash not upgraded/, 'the operator learns of it')
  t.notMatch(log.chunks.join(''), /argon2id/, 'but not the hash')
  t.equal((await logIn(email, PASSWORD, there.call)).status, 200)
  t.match(await hashOf(email), 'm=128')
})

import t from 'tap'
import { PASSWORD, startApp, type Answer, type Person } from '../helper.js'
import { connectTo } from '../support/database.js'
import { memberOf } from '../support/first-version.js'
import { liarTo } from '../support/liar.js'
import { keepLog } from '../support/log.js'
import { teardown } from '../support/teardown.js'
import { postgresServer } from '../support/wire.js'

const server = await postgresServer(t)
const liar = await liarTo(t, server.url)
// Of one connection, so that two statements at a time are sent one behind the other.
const database = connectTo(liar.url, { DATABASE_POOL_SIZE: '1' })
await database.start()
teardown(t, async () => { await database.close() })
const log = keepLog()
const { lines } = log
const main = await startApp(t, { database, settings: { LOG_LEVEL: 'error' }, output: log })
const { call } = main

const ABSENT = '00000000-0000-7000-9000-000000000000'

const ada = await memberOf(main, 'Ada')
const eve = await memberOf(main, 'Eve')
const newcomer = await memberOf(main, 'Newcomer')
const tasks = new Map<Person, string>()
for (const person of [ada, eve]) tasks.set(person, (await person.add(`of ${person.email}`)).id)
const pathOf = (person: Person) => `/api/tasks/${tasks.get(person)}`

/** What can be asked again and again with the same answer, but for its time. */
const questions: Array<[name: string, ask: (person: Person) => Promise<Answer>]> = [
  ['their account', async (person) => person.call('GET', '/api/auth/me')],
  ['a login', async ({ email }) => call('POST', '/api/auth/login', { body: { email, password: PASSWORD } })],
  ['a login of nobody', async ({ id }) => call('POST', '/api/auth/login', { body: { email: `${id}@example.com`, password: PASSWORD } })],
  ['their list', async (person) => person.call('GET', '/api/tasks')],
  ['their open tasks', async (person) => person.call('GET', '/api/tasks?is_completed=false')],
  ['their done tasks, of which there is none', async (person) => person.call('GET', '/api/tasks?is_completed=true')],
  ['the list of somebody who has none', async () => newcomer.call('GET', '/api/tasks')],
  ['a page past the end', async (person) => person.call('GET', '/api/tasks?offset=9')],
  ['their task', async (person) => person.call('GET', pathOf(person))],
  ['a task that is nobody\'s', async (person) => person.call('GET', `/api/tasks/${ABSENT}`)],
  ['an update', async (person) => person.call('PUT', pathOf(person), { body: { title: `of ${person.email}` } })],
  ['a completion', async (person) => person.call('PATCH', `${pathOf(person)}/complete`, { body: { is_completed: false } })]
]

const NEW = new Set(['updated_at', 'access_token', 'expires_in', 'refresh_token', 'refresh_expires_in'])

/** An answer without what is new in each. */
const lasting = ({ status, body }: Answer) =>
  [status, JSON.stringify(body, (key, value: unknown) => NEW.has(key) ? undefined : value)]

const REFUSED = new Set([500, 503])

for (const [index, [adas, askedByAda]] of questions.entries()) {
  t.test(`whatever is exchanged with ${adas}, everybody gets their own answer or none`, async (t) => {
    // With the same question of another, and with another question.
    for (const [eves, askedByEve] of [questions[index]!, questions[(index + 1) % questions.length]!]) {
      const both = async () => Promise.all([askedByAda(ada), askedByEve(eve)])
      const right = (await both()).map(lasting)
      const [before, failures] = [liar.exchanged(), lines().length]
      liar.exchange()
      const answers = await both()
      for (const [index, answer] of answers.entries()) {
        if (!REFUSED.has(answer.status)) t.strictSame(lasting(answer), right[index], `with ${eves}`)
      }
      t.equal(liar.exchanged(), before + 1, 'two answers were exchanged')
      t.ok(answers.some(({ status }) => status === 500) || adas === eves || !answers.some(({ status }) => REFUSED.has(status)), 'which is noticed')
      const said = lines().slice(failures)
      t.equal(said.length, answers.filter(({ status }) => status === 500).length)
      for (const line of said) t.match(line, { level: 50, msg: 'request failed', err: { message: /^[a-z]+\.[a-zA-Z]+.* got the answer to another statement$/ } })
      t.strictSame((await both()).map(lasting), right, 'and over: the connection has been replaced')
    }
  })
}

t.test('behind a pooler that never has what was prepared, a statement is 503 in time', async (t) => {
  await ada.call('GET', '/api/tasks')
  liar.forget(true)
  const answers = await Promise.all([ada.call('GET', '/api/tasks'), eve.call('GET', '/api/auth/me')])
  liar.forget(false)
  t.strictSame(answers.map(({ status }) => status), [503, 503])
  t.equal((await ada.call('GET', '/api/tasks')).status, 200)
})

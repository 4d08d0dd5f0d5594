import t from 'tap'
import { PASSWORD, startApp } from '../helper.js'
import { hashesDuring, passwordsOf } from '../support/passwords.js'
import { newEmail } from '../support/signup.js'

const app = await startApp(t)
const { signUp, db } = app
const { logIn } = passwordsOf(app)
const WRONG = { detail: 'Invalid email or password', status_code: 401 }

t.test('an unknown email is the same answer after the same work as a wrong password', async (t) => {
  const { email } = await signUp()
  const headersOf = ({ headers: { 'x-request-id': _id, date: _date, ...rest } }: Awaited<ReturnType<typeof logIn>>) => rest
  const [unknown, wrong] = [await logIn(newEmail(), PASSWORD), await logIn(email, 'not the password')]
  for (const { status, body } of [unknown, wrong]) {
    t.equal(status, 401)
    t.strictSame(body, WRONG)
  }
  t.strictSame(headersOf(unknown), headersOf(wrong))
  for (const password of [PASSWORD, 'not the password', '', '\ud800']) {
    for (const who of [email, newEmail()]) {
      t.equal(await hashesDuring(async () => logIn(who, password)), 1, `one hash for ${JSON.stringify(password)}`)
    }
  }
})

t.test('that work costs what the settings say, for an unknown email too', async (t) => {
  const there = await startApp(t, { database: db, settings: { ARGON2_MEMORY_KIB: '19456', ARGON2_TIME_COST: '4' } })
  const { email } = await there.signUp()
  // Processor time, which other processes do not add to, and the cheapest of some, which a garbage collection does not reach.
  const costOf = async (who: () => string) => {
    const costs: number[] = []
    for (let i = 0; i < 4; i++) {
      const before = process.cpuUsage()
      await logIn(who(), 'not the password', there.call)
      costs.push(process.cpuUsage(before).user)
    }
    return Math.min(...costs)
  }
  const [wrong, unknown] = [await costOf(() => email), await costOf(newEmail)]
  t.ok(unknown > wrong / 3 && unknown < wrong * 3, `${unknown} µs and ${wrong} µs`)
})

const changes: Array<[what: string, before: NodeJS.ProcessEnv, now: NodeJS.ProcessEnv]> = [
  ['more memory', { ARGON2_MEMORY_KIB: '4096', ARGON2_TIME_COST: '4' }, { ARGON2_MEMORY_KIB: '9728', ARGON2_TIME_COST: '4' }],
  ['more passes', { ARGON2_MEMORY_KIB: '9728', ARGON2_TIME_COST: '2' }, { ARGON2_MEMORY_KIB: '9728', ARGON2_TIME_COST: '4' }],
  ['less of both', { ARGON2_MEMORY_KIB: '9728', ARGON2_TIME_COST: '4' }, { ARGON2_MEMORY_KIB: '4096', ARGON2_TIME_COST: '2' }]
]

for (const [what, before, now] of changes) {
  t.test(`while old hashes are about, they do not tell who has an account: ${what}`, async (t) => {
    const then = await startApp(t, { database: db, settings: before })
    const { email } = await then.signUp()
    const there = await startApp(t, { database: db, settings: now })
    const renewed = await there.signUp()
    // In turns, so that whatever else the machine does reaches each; the median, so that the worst of it does not count.
    const costs: Record<string, number[]> = { old: [], renewed: [], unknown: [] }
    await logIn(email, 'not the password', there.call)
    for (let i = 0; i < 7; i++) {
      for (const [who, name] of [[email, 'old'], [renewed.email, 'renewed'], [newEmail(), 'unknown']] as const) {
        const start = process.cpuUsage()
        t.equal((await logIn(who, 'not the password', there.call)).status, 401)
        const { user, system } = process.cpuUsage(start)
        costs[name]!.push(user + system)
      }
    }
    const [old, fresh, unknown] = Object.values(costs).map((all) => all.sort((a, b) => a - b)[3]!) as [number, number, number]
    t.comment(`µs: ${old} old, ${fresh} renewed, ${unknown} unknown`)
    t.ok(Math.max(old, fresh, unknown) < 1.3 * Math.min(old, fresh, unknown), `${old}, ${fresh} and ${unknown} µs`)
  })
}

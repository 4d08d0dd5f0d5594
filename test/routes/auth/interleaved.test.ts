import t, { type Test } from 'tap'
import { PASSWORD, startApp, type Answer, type Person } from '../../helper.js'
import { logIn, mailbox, refresh, sessionOf, watched } from '../../support/accounts.js'
import { cleanDatabase } from '../../support/database.js'
import { teardown } from '../../support/teardown.js'

/*
 * Each pair of what concerns a password, one of them stopped before each of its statements while the other is done: whatever the
 * order, nothing that a changed password has ended survives it.
 */

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
const mails = mailbox()
/** What is done before the next statements, and how many go first. */
let pause: { after: number, work: () => Promise<unknown> } | undefined
const gated = watched(database, {
  async before (name) {
    if (!pause || name === 'endings.newest' || pause.after-- > 0) return
    const { work } = pause
    pause = undefined
    await work()
  }
})
const dearer = { ARGON2_MEMORY_KIB: '128' }
type App = Awaited<ReturnType<typeof startApp>>
const slow: App[] = [
  await startApp(t, { database: gated.database }), await startApp(t, { database: gated.database, settings: dearer })
]
const quick: App[] = [await startApp(t, { database, print: mails.print }), await startApp(t, { database, settings: dearer })]
const { call, signUp, sql } = quick[0]!

/** Whether an access token is 401 everywhere, two seconds from now at the latest. */
const hasEnding = async (token: string) => (await sql('select from todo.endings where session_id = $1', [sessionOf(token)])).length > 0

interface Scene { ada: Person, other: string, reset: string }
type Act = (at: App[], scene: Scene) => Promise<Answer>

const acts: Record<string, Act> = {
  login: async ([at], { ada: { email } }) => at!.call('POST', '/api/auth/login', { body: { email, password: PASSWORD } }),
  'login with a hash upgrade': async ([, at], { ada: { email } }) => at!.call('POST', '/api/auth/login', { body: { email, password: PASSWORD } }),
  refresh: async ([at], { other }) => refresh(at!.call, other),
  change: async ([at], { ada: { token } }) =>
    at!.call('PUT', '/api/auth/me/password', { token, body: { current_password: PASSWORD, new_password: 'new by change' } }),
  reset: async ([at], { reset }) => at!.call('POST', '/api/auth/password-reset/confirm', { body: { token: reset, new_password: 'new by reset' } })
}
const changes = ['change', 'reset']

async function meet (t: Test, [first, second]: [string, string], after: number): Promise<boolean> {
  const ada = await signUp()
  const other = await logIn(call, ada.email)
  await call('POST', '/api/auth/password-reset', { body: { email: ada.email } })
  const scene = { ada, other: other.refresh_token, reset: mails.tokenTo(ada.email) }
  const results: Record<string, Answer> = {}
  let met = false
  pause = { after, work: async () => { met = true; results[`${second} in between`] = await acts[second]!(quick, scene) } }
  results[first] = await acts[first]!(slow, scene)
  pause = undefined
  if (!met) return false
  const what = `${second} before statement ${after + 1} of ${first}`
  const isChange = (name: string) => changes.includes(name.split(' ')[0]!)
  const done = Object.entries(results).filter(([name, { status }]) => isChange(name) && status === 204).map(([name]) => name.split(' ')[0])
  t.equal(done.length, 1, `${what}: the password changes once`)
  for (const [name, { status }] of Object.entries(results)) {
    if (isChange(name) && status !== 204) t.ok([401, 403, 422].includes(status), `${what}: the loser of two is told (${status})`)
  }
  const dead = [other, ...Object.values(results).filter(({ body }) => body?.refresh_token).map(({ body }) => body)]
  for (const { access_token: token, refresh_token: renew } of dead) {
    t.equal((await refresh(call, renew)).status, 401, `${what}: a session survives`)
    t.ok(await hasEnding(token), `${what}: an access token survives`)
  }
  t.equal(await hasEnding(ada.token), done[0] === 'reset', `${what}: the session that changes it goes on`)
  const statuses = await Promise.all([PASSWORD, 'new by change', 'new by reset'].map(async (password) =>
    (await call('POST', '/api/auth/login', { body: { email: ada.email, password } })).status))
  t.strictSame(statuses, [401, done[0] === 'change' ? 200 : 401, done[0] === 'reset' ? 200 : 401], what)
  t.strictSame(await sql(`select count(*)::int as n from todo.sessions s join todo.users u on u.id = s.owner_id
    where u.id = $1 and s.password_version <> u.password_version`, [ada.id]), [{ n: 0 }], what)
  return true
}

for (const first of Object.keys(acts)) {
  for (const second of Object.keys(acts).filter((second) => changes.includes(first) || changes.includes(second))) {
    t.test(`${first}, and meanwhile ${second}`, async (t) => {
      let after = 0
      while (await meet(t, [first, second], after)) after++
      t.ok(after > 0)
    })
  }
}

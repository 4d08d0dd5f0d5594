import t from 'tap'
import { createTodoClient, unwrap } from '../../client/src/index.js'
import { PASSWORD } from '../helper.js'
import { mailbox } from '../support/accounts.js'
import { until } from '../support/until.js'
import { startApi } from './api.js'

const { mails, print, tokenTo } = mailbox()
const { baseUrl, member, sql } = await startApi(t, { print })

/** The token of the next mail to somebody. */
async function mailTo (email: string, before = mails.length): Promise<string> {
  await until('a mail comes', () => mails.slice(before).some((mail) => mail.to === email && mail.text.includes('#')), 20)
  return tokenTo(email)
}

t.test('a person changes name, password and email', async (t) => {
  const { todo, credentials, user } = await member()
  const elsewhere = createTodoClient({ baseUrl })
  await unwrap(elsewhere.logIn(credentials))
  t.match(await unwrap(todo.account.rename('Grace Hopper')), { ...user, name: 'Grace Hopper' })

  const passwords = { current_password: PASSWORD, new_password: 'battery staple correct horse' }
  t.match(await todo.account.changePassword({ ...passwords, current_password: 'wrong' }), { status: 403, body: { detail: 'Wrong password' } })
  t.equal((await todo.account.changePassword(passwords)).status, 204)
  t.equal((await todo.me()).status, 200)
  t.equal((await elsewhere.me()).status, 401, 'every other session has ended')

  const email = `new-${credentials.email}`
  const before = mails.length
  t.match(await todo.account.changeEmail({ email, password: passwords.new_password }), { status: 202, body: { status: 'accepted' } })
  t.equal((await todo.account.confirmEmail(await mailTo(email, before))).status, 204)
  t.match(await unwrap(todo.me()), { email, email_verified: true })
})

t.test('an email is confirmed, and a forgotten password set anew, by mail', async (t) => {
  const { todo, credentials, told } = await member()
  let before = mails.length
  t.equal((await todo.account.requestVerification()).status, 202)
  t.equal((await todo.account.confirmEmail(await mailTo(credentials.email, before))).status, 204)
  t.match(await todo.account.confirmEmail('abc'), { status: 422, body: { detail: [{ type: 'value_error.token' }] } })
  before = mails.length
  t.equal((await todo.account.requestPasswordReset(credentials.email)).status, 202)
  const reset = { token: await mailTo(credentials.email, before), new_password: 'battery staple correct horse' }
  t.equal((await createTodoClient({ baseUrl }).account.resetPassword(reset)).status, 204)
  t.equal((await todo.me()).status, 401)
  t.strictSame(told, ['ended'])
  t.equal((await todo.logIn({ ...credentials, password: reset.new_password })).status, 200)
})

t.test('a person sees where they are logged in, and ends it', async (t) => {
  const { todo, credentials, store, told } = await member()
  const others = [1, 2, 3].map(() => createTodoClient({ baseUrl }))
  for (const other of others) await unwrap(other.logIn(credentials))
  const { sessions } = await unwrap(todo.sessions.list())
  t.strictSame(sessions.map(({ is_current: is }) => is).sort(), [false, false, false, true])
  const { id } = sessions.find(({ is_current: isCurrent }) => !isCurrent)!
  t.equal((await todo.sessions.end(id)).status, 204)
  t.match(await todo.sessions.end(id), { status: 404, body: { detail: 'Session not found' } })
  t.equal((await todo.sessions.endAll({ exceptCurrent: true })).status, 204)
  for (const other of others) t.equal((await other.me()).status, 401)
  t.equal((await todo.me()).status, 200)
  t.equal((await todo.sessions.endAll()).status, 204)
  t.equal(await store.get(), null)
  t.strictSame(told, [], 'whoever ends it need not be told')
})

t.test('an account is downloaded and deleted', async (t) => {
  const { todo, user, store, told, way } = await member()
  const task = await unwrap(todo.tasks.create({ title: 'Buy milk' }))
  const download = await todo.account.export()
  if (!download.ok) throw new Error('no download')
  t.equal(download.response.bodyUsed, false, 'it is not read yet')
  t.match(download.response.headers.get('content-disposition'), 'todo-export.json')
  t.strictSame(JSON.parse(await (await download.response.blob()).text()), { user, tasks: [task] })
  way.treat = async ({ url }) => url.endsWith('export') ? new Response('<h1>Welcome to the hotel</h1>', { headers: { 'content-type': 'text/html' } }) : null
  await t.rejects(todo.account.export(), { name: 'TodoApiError', status: 200 })
  way.treat = async () => null

  t.match(await todo.account.remove({ password: 'wrong' }), { status: 403 })
  t.ok(await store.get())
  t.equal((await todo.account.remove({ password: PASSWORD })).status, 204)
  t.equal(await store.get(), null)
  t.match(await todo.account.export(), { ok: false, status: 401, body: { detail: 'Not authenticated' } })
  t.strictSame(told, [])
  t.strictSame(await sql('select 1 from todo.users where id = $1', [user.id]), [])
})

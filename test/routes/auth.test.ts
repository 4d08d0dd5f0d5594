import t from 'tap'
import { PASSWORD, startApp } from '../helper.js'

const { call, signUp, sql } = await startApp(t)

t.test('a person signs up and gets the account, without a trace of the password', async (t) => {
  const { status, headers, body, text } = await call('POST', '/api/auth/signup', {
    body: { email: ' Grace@Example.COM\t', password: PASSWORD, name: 'Grace' }
  })
  t.equal(status, 201)
  t.match(body, { email: 'grace@example.com', name: 'Grace', id: /^[0-9a-f-]{36}$/, created_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ })
  t.strictSame(Object.keys(body).sort(), ['created_at', 'email', 'id', 'name'])
  t.equal(headers.location, '/api/auth/me')
  t.equal(headers['cache-control'], 'no-store')
  t.notMatch(text, /password|argon2/)
})

t.test('fifty signups for one email at once make one account', async (t) => {
  const email = 'race@example.com'
  const answers = await Promise.all(Array.from({ length: 50 }, async () =>
    call('POST', '/api/auth/signup', { body: { email, password: PASSWORD, name: 'Race' } })))
  t.equal(answers.filter(({ status }) => status === 201).length, 1)
  for (const { status, body } of answers) if (status !== 201) t.strictSame(body, { detail: 'Email already exists', status_code: 409 })
  t.strictSame(await sql('select count(*)::int as n from users where email = $1', [email]), [{ n: 1 }])
})

t.test('a user who was deleted is nobody', async (t) => {
  const gone = await signUp()
  await sql('delete from users where id = $1', [gone.id])
  const { status, headers } = await gone.call('GET', '/api/auth/me')
  t.equal(status, 401)
  t.equal(headers['www-authenticate'], 'Bearer error="invalid_token"')
})

import t from 'tap'
import { startApp } from '../../helper.js'
import { account, issuesIn } from '../../support/signup.js'

const { call } = await startApp(t)

const fields = { signup: ['email', 'password', 'name'], login: ['email', 'password'] }

for (const [route, names] of Object.entries(fields)) {
  const send = async (body: unknown, query = '') => call('POST', `/api/auth/${route}${query}`, { body })
  const full: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, account()[name as 'name']]))

  t.test(`a ${route} needs each of its fields, each a text`, async (t) => {
    for (const name of names) {
      const { [name]: _left, ...rest } = full
      t.strictSame(issuesIn((await send(rest)).body), [`body.${name} value_error.missing`])
      for (const value of [null, 12345678, 0, true, ['ada@example.com'], { $ne: '' }]) {
        const { status, body } = await send({ ...full, [name]: value })
        t.equal(status, 422)
        t.strictSame(issuesIn(body), [`body.${name} type_error.string`], `${name}: ${JSON.stringify(value)}`)
      }
    }
    t.strictSame(issuesIn((await send({})).body), names.map((name) => `body.${name} value_error.missing`).sort(), 'all are listed')
  })

  t.test(`a ${route} refuses what it does not know, by name`, async (t) => {
    const unknown = ['id', 'is_admin', 'Email', 'password_hash', 'created_at', 'constructor', 'toString']
    for (const name of [...unknown, '', 'a.b', 'a/b~c', '\u0000', '\ud800', '🦊']) {
      const { status, body } = await send({ ...full, [name]: 'x' })
      t.equal(status, 422, JSON.stringify(name))
      t.match(body.detail, [{ loc: ['body', name], type: 'value_error.extra' }])
      t.equal(body.detail.length, 1)
    }
    const proto = await send(`${JSON.stringify(full).slice(0, -1)},"__proto__":{"x":1}}`)
    t.strictSame(issuesIn(proto.body), ['body.__proto__ value_error.extra'])
    const inherited = await send(`{"__proto__":${JSON.stringify(full)}}`)
    t.ok(issuesIn(inherited.body).includes('body.email value_error.missing'), 'nothing is inherited')
    t.strictSame(issuesIn((await send(full, '?colour=red')).body), ['query.colour value_error.extra'])
  })

  t.test(`a ${route} is one JSON object`, async (t) => {
    for (const body of [null, 'text', 1, true, [], [full]]) {
      const answer = await send(JSON.stringify(body))
      t.equal(answer.status, 422)
      t.strictSame(issuesIn(answer.body), ['body type_error.object'], JSON.stringify(body))
    }
    t.equal((await send(undefined)).status, 422, 'no body')
    t.equal((await send(JSON.stringify(full).slice(0, -1))).status, 400)
    t.equal((await send(Buffer.from(JSON.stringify(full)).fill(0xff, 3, 4))).status, 400, 'no UTF-8')
    t.equal((await send({ ...full, filler: 'x'.repeat(65536) })).status, 413)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    t.equal((await call('POST', `/api/auth/${route}`, { body: 'email=a', headers })).status, 415)
  })
}

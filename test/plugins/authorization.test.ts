import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { documentOf, operationsOf } from '../support/document.js'
import { bearer, forge, HS256, INVALID, NONE, now, tokenTester, type Call } from '../support/tokens.js'

const { app, ada, claims, protectedCalls, refused, statusOf } = await tokenTester(t)

t.test('the name of the scheme has no case', async (t) => {
  for (const scheme of ['bearer', 'BEARER', 'BeArEr']) {
    t.equal(await statusOf({ authorization: `${scheme} ${ada.token}` }), 200, scheme)
  }
})

const { token } = ada
const authorizations: Array<[string, string, string]> = [
  ['empty', '', NONE],
  ['Basic', 'Basic YWRhOmxvdmVsYWNl', NONE], ['a token as Basic', `Basic ${token}`, NONE],
  ['another scheme', `Token ${token}`, NONE],
  ['a scheme that begins with the word', `Bearertoken ${token}`, NONE],
  ['no token', 'Bearer', INVALID], ['no token but a space', 'Bearer ', INVALID],
  ['no scheme', token, INVALID], ['no space', `Bearer${token}`, INVALID], ['a colon', `Bearer:${token}`, INVALID],
  ['two words', 'Bearer a b', INVALID], ['a word behind the token', `Bearer ${token} b`, INVALID],
  ['two schemes', `Bearer Bearer ${token}`, INVALID],
  ['two spaces', `Bearer  ${token}`, INVALID], ['a tab', `Bearer\t${token}`, INVALID],
  ['a no-break space', `Bearer\u00a0${token}`, INVALID], ['a no-break space behind', `Bearer ${token}\u00a0`, INVALID],
  ['a vertical tab in front', `\v Bearer ${token}`, INVALID],
  ['a comma', `Bearer ${token},`, INVALID], ['two in one', `Bearer ${token}, Bearer ${token}`, INVALID],
  ['quotes', `Bearer "${token}"`, INVALID]
]
t.test('what is not the scheme, one space and one token is refused', async (t) => {
  for (const [what, authorization, detail] of authorizations) {
    await t.test(what, async (t) => refused(t, what, { authorization }, detail))
  }
})

t.test('a token anywhere but in the Authorization header does not count', async (t) => {
  for (const name of ['token', 'access_token', 'jwt', 'Authorization']) {
    const queries = protectedCalls.map(([method, url, body]): Call => [method, `${url}?${name}=${token}`, body])
    await refused(t, `query ${name}`, {}, NONE, queries)
    await refused(t, `cookie ${name}`, { cookie: `${name}=${token}` }, NONE)
    await refused(t, `header ${name}`, { [`x-${name}`]: token, 'proxy-authorization': `Bearer ${token}` }, NONE)
  }
})

t.test('every protected operation asks for a token before it looks at anything else', async (t) => {
  const operations = operationsOf(documentOf(app)).filter(({ security }) => security)
    .map(({ method, path }): Call => [method, `${path.replace(/\{\w+\}/g, 'not-an-id')}?colour=red`, '{"'])
  t.equal(operations.length, 29, 'eleven of the account, and nine operations on two mounts')
  await refused(t, 'no token', {}, NONE, operations)
  await refused(t, 'a bad token', bearer(forge(HS256, claims({ exp: now() - 1 }))), INVALID, operations)
  await refused(t, 'no JSON', { 'content-type': 'text/plain' }, NONE, operations)
})

t.test('of two Authorization headers only the first counts', async (t) => {
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const over = async (...values: string[]) => {
    const socket = connect(Number(port), '127.0.0.1')
    const credentials = values.map((value) => `Authorization:${value}`)
    const lines = ['GET /api/auth/me HTTP/1.1', 'Host: localhost', 'Connection: close', ...credentials]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    let answer = ''
    socket.on('data', (chunk) => { answer += String(chunk) })
    await once(socket, 'close')
    return `${answer.slice(9, 12)} ${/^www-authenticate: (.*)$/im.exec(answer)?.[1]?.trim()}`
  }
  const good = ` Bearer ${token}`
  const none = '401 Bearer'
  const invalid = '401 Bearer error="invalid_token"'
  t.equal(await over(good), '200 undefined')
  t.equal(await over(` \t${good} \t`), '200 undefined', 'white space around the value is no part of it')
  t.equal(await over(good, ' Bearer x'), '200 undefined')
  t.equal(await over(' Bearer x', good), invalid)
  t.equal(await over(' Basic YWRhOmxvdmVsYWNl', good), none)
  t.equal(await over('', good), none)
})

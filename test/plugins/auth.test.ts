import { createHmac, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { PASSWORD, startApp, testSettings } from '../helper.js'

const { app, call, signUp, db } = await startApp(t)
const ada = await signUp()
const NONE = 'Not authenticated'
const INVALID = 'Invalid authentication credentials'

const HS256 = { alg: 'HS256', typ: 'JWT' }
const issuer = { iss: 'todo-backend', aud: 'todo-backend' }
const now = () => Math.floor(Date.now() / 1000)
const claims = (changed: object = {}) => ({ sub: ada.id, email: ada.email, iat: now(), exp: now() + 600, ...issuer, ...changed })

/** JSON as base64url; a string goes out as it is. */
const part = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const hmac = (input: string, { key = testSettings.SECRET_KEY, hash = 'sha256' } = {}) =>
  `${input}.${createHmac(hash, key).update(input).digest('base64url')}`
/** A token signed with the server's own key, unless told otherwise. */
const forge = (header: unknown, payload: unknown, by?: { key?: string, hash?: string }) =>
  hmac(`${part(header)}.${part(payload)}`, by)
const decoded = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>

/** Where tokens count: both plugins that ask for one, also before the path and the body are looked at. */
type Call = [method: string, url: string, body?: unknown]
const protectedCalls: Call[] = [
  ['GET', '/api/auth/me'], ['HEAD', '/api/auth/me'],
  ['GET', '/api/tasks'], ['POST', '/api/tasks', '{'], ['PUT', `/api/${ada.id}/tasks/x`, {}]
]

async function refused (t: Test, what: string, headers: Record<string, string>, detail: string, calls = protectedCalls) {
  for (const [method, url, body] of calls) {
    const answer = await call(method, url, { body, headers })
    t.equal(answer.status, 401, `${what}: ${method} ${url}`)
    t.equal(answer.headers['www-authenticate'], detail === NONE ? 'Bearer' : 'Bearer error="invalid_token"', what)
    if (method !== 'HEAD') t.strictSame(answer.body, { detail, status_code: 401 }, what)
  }
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const statusOf = async (headers: Record<string, string>, url = '/api/auth/me') => (await call('GET', url, { headers })).status

t.test('a token says who, for how long, by whom and for whom, and nothing else', async (t) => {
  const before = now()
  const { token, user } = await signUp()
  const [header, payload, signature] = token.split('.') as [string, string, string]
  t.strictSame(decoded(header), HS256)
  const { iat, exp, ...who } = decoded(payload) as { iat: number, exp: number, sid: string }
  t.strictSame(who, { sub: user.id, email: user.email, sid: who.sid, ...issuer })
  t.match(who.sid, /^[0-9a-f-]{36}$/)
  t.ok(Number.isInteger(iat) && iat >= before && iat <= now(), 'iat is the time of the login, in seconds')
  t.equal(exp - iat, 30 * 60, 'half an hour by default')
  t.equal(`${header}.${payload}.${signature}`, hmac(`${header}.${payload}`), 'signed with the secret')
})

t.test('a token lives as long as the setting says, and `expires_in` says it too', async (t) => {
  const { call: there } = await startApp(t, { database: db, settings: { ACCESS_TOKEN_EXPIRE_MINUTES: '7' } })
  const { body } = await there('POST', '/api/auth/login', { body: { email: ada.email, password: PASSWORD } })
  const { iat, exp } = decoded(body.access_token.split('.')[1]) as { iat: number, exp: number }
  t.equal(body.expires_in, 7 * 60)
  t.equal(exp - iat, 7 * 60)
})

t.test('a token of an application with another key, issuer or audience is of no use here, nor ours there', async (t) => {
  const others = [{ SECRET_KEY: 'another key, and long enough for HS256' }, { JWT_ISSUER: 'another' }, { JWT_AUDIENCE: 'another' }]
  for (const other of others) {
    const [name] = Object.keys(other)
    const there = await startApp(t, { database: db, settings: other })
    const bob = await there.signUp('Bob')
    t.equal((await bob.call('GET', '/api/auth/me')).status, 200, `${name}: good where it was made`)
    await refused(t, `another ${name}`, bearer(bob.token), INVALID)
    t.equal((await there.call('GET', '/api/auth/me', { token: ada.token })).status, 401, `${name}: ours there`)
  }
})

t.test('after a change of the key, tokens of the one before go on, and new ones are not theirs', async (t) => {
  const previous = testSettings.SECRET_KEY
  const settings = { SECRET_KEY: 'the next key, and long enough for HS256', SECRET_KEY_PREVIOUS: previous }
  const there = await startApp(t, { database: db, settings })
  const get = async (at: typeof call, token: string) => (await at('GET', '/api/auth/me', { token })).status
  t.equal(await get(there.call, ada.token), 200)
  const { token } = await there.signUp('Bob')
  t.equal(await get(there.call, token), 200)
  t.equal(await get(call, token), 401, 'what it signs, it signs with the new key')

  const about = (key: string) => ({
    'a third key': forge(HS256, claims(), { key: 'x'.repeat(64) }),
    'the end of its life': forge(HS256, claims({ exp: now() - 1 }), { key }),
    'another issuer': forge(HS256, claims({ iss: 'another' }), { key }),
    'another algorithm': forge({ alg: 'HS512' }, claims(), { key, hash: 'sha512' })
  })
  for (const key of [settings.SECRET_KEY, previous]) {
    for (const [what, bad] of Object.entries(about(key))) t.equal(await get(there.call, bad), 401, what)
  }
})

t.test('a token forged with the right key and claims is good, so that what follows is refused for its own reason', async (t) => {
  for (const good of [forge(HS256, claims()), forge({ alg: 'HS256' }, claims({ nbf: now() - 1 }))]) {
    t.equal(await statusOf(bearer(good)), 200)
  }
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const ed = generateKeyPairSync('ed25519').privateKey

function signedBy (alg: string, hash: string | null, key: KeyObject): string {
  const input = `${part({ alg, typ: 'JWT' })}.${part(claims())}`
  return `${input}.${sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}
const unsigned = (header: object) => `${part(header)}.${part(claims())}.`

const algorithms: Array<[string, string]> = [
  ...['none', 'None', 'NONE', 'nOnE'].flatMap((alg): Array<[string, string]> => [
    [`alg ${alg}, no signature`, unsigned({ alg })], [`alg ${alg}, signed all the same`, forge({ alg }, claims())]
  ]),
  ['HS256, signature stripped', unsigned(HS256)],
  ['HS256, signature and its dot stripped', unsigned(HS256).slice(0, -1)],
  ['HS384 with our key', forge({ alg: 'HS384' }, claims(), { hash: 'sha384' })],
  ['HS512 with our key', forge({ alg: 'HS512' }, claims(), { hash: 'sha512' })],
  ['HS384, signed as HS256', forge({ alg: 'HS384' }, claims())],
  ['HS256, signed as HS512', forge(HS256, claims(), { hash: 'sha512' })],
  ['RS256, signed as HS256', forge({ alg: 'RS256' }, claims())],
  ['RS256', signedBy('RS256', 'sha256', rsa)], ['ES256', signedBy('ES256', 'sha256', ec)], ['EdDSA', signedBy('EdDSA', null, ed)],
  ['HS256, signed by RSA', signedBy('HS256', 'sha256', rsa)],
  ...[undefined, null, '', 'hs256', 'HS256 ', ['HS256'], 256].map((alg): [string, string] =>
    [`alg ${JSON.stringify(alg)}`, forge({ alg, typ: 'JWT' }, claims())]),
  ['another key', forge(HS256, claims(), { key: 'x'.repeat(64) })],
  ['an empty key, and a kid that points to one', forge({ ...HS256, kid: '../../dev/null' }, claims(), { key: '' })],
  ['a key that the token brings along', forge({ ...HS256, jwk: { kty: 'oct', k: part('mine') } }, claims(), { key: 'mine' })]
]

const odd = (claim: string, values: unknown[]) => values.map((value): [string, string] =>
  [`${claim} ${JSON.stringify(value) ?? 'missing'}`, forge(HS256, claims({ [claim]: value }))])

const claimed: Array<[string, string]> = [
  ...odd('exp', [undefined, null, '9999999999', true, [now() + 600], {}, 0, -1, now() - 1]),
  ['exp infinite', forge(HS256, JSON.stringify(claims({ exp: 0 })).replace('"exp":0', '"exp":1e999'))],
  ...odd('nbf', [now() + 60, null, '0', [0], {}]),
  ...odd('sub', [undefined, null, '', 'ada', 1, [ada.id], {}]),
  ...odd('sub', [`urn:uuid:${ada.id}`, `{${ada.id}}`, ada.id.replaceAll('-', ''), ` ${ada.id}`, `${ada.id} `, `${ada.id}\n`]),
  ...['iss', 'aud'].flatMap((claim) => odd(claim,
    [undefined, null, '', 'another', 'Todo-Backend', 'todo-backend ', 1, {}, ['todo-backend'], ['todo-backend', 'another'], []])),
  ...[[], null, ['exp'], ['b64'], ['ours'], 'exp', '', {}, 0, false].map((crit): [string, string] =>
    [`crit ${JSON.stringify(crit)}`, forge({ ...HS256, crit, b64: true, ours: 1 }, claims())])
]

// Texts that Node decodes to the right JSON, each signed as it stands: only the writing is wrong.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const atOffset = (char: string, offset: number) => ALPHABET[ALPHABET.indexOf(char) ^ offset]!
const spare = (text: string) => text.length % 4 === 0 ? `${text}A` : text.slice(0, -1) + atOffset(text.at(-1)!, 1)
const padded = (text: string) => text + '='.repeat((4 - text.length % 4) % 4 || 1)
const plain = (text: string) => Buffer.from(text, 'base64url').toString('base64').replaceAll('=', '')
const [h, p] = [part(HS256), part(claims())]
const [, , s] = hmac(`${h}.${p}`).split('.') as [string, string, string]
const marked = part(claims({ mark: '?'.repeat(9) }))

const written: Array<[string, string]> = [
  ...[0, 1, 2].flatMap((more): Array<[string, string]> => {
    const header = part(`${JSON.stringify(HS256)}${' '.repeat(more)}`)
    const payload = part(`${JSON.stringify(claims())}${' '.repeat(more)}`)
    return [
      [`a header with spare bits (${more})`, hmac(`${spare(header)}.${p}`)],
      [`a payload with spare bits (${more})`, hmac(`${h}.${spare(payload)}`)],
      [`a padded header (${more})`, hmac(`${padded(header)}.${p}`)],
      [`a padded payload (${more})`, hmac(`${h}.${padded(payload)}`)]
    ]
  }),
  ...[1, 2, 3].map((bits): [string, string] =>
    [`a signature with spare bits (${bits})`, `${h}.${p}.${s.slice(0, -1)}${atOffset(s.at(-1)!, bits)}`]),
  ['a longer signature', `${h}.${p}.${s}A`], ['a padded signature', `${h}.${p}.${s}=`],
  ['plain base64, not base64url', hmac(`${h}.${plain(marked)}`)],
  ['two parts', `${h}.${p}`], ['four parts', `${h}.${p}.${s}.${s}`], ['five parts', hmac(`${h}.${p}.${s}.${s}`)],
  ['no header', hmac(`.${p}`)], ['no payload', hmac(`${h}.`)], ['only dots', '..'], ['one dot', '.'], ['no dot', s],
  ...['', 'null', '[]', '"text"', '1', '{', '\ufeff{}'].flatMap((json): Array<[string, string]> =>
    [[`header ${json}`, forge(json, claims())], [`payload ${json}`, forge(HS256, json)]]),
  ['8 KiB of letters', 'a'.repeat(8192)], ['8 KiB of dots', '.'.repeat(8192)],
  ['8 KiB with another key', forge(HS256, claims({ filler: 'a'.repeat(6000) }), { key: 'x'.repeat(64) })]
]

const tables = { 'another algorithm or key': algorithms, 'what it says': claimed, 'how it is written': written }
for (const [why, tokens] of Object.entries(tables)) {
  t.test(`a token is refused for ${why}`, async (t) => {
    for (const [what, token] of tokens) await t.test(what, async (t) => refused(t, what, bearer(token), INVALID))
  })
}

t.test('those other writings are other texts of the same bytes', async (t) => {
  for (const [what, write] of Object.entries({ spare, padded, plain })) {
    t.not(write(marked), marked, what)
    t.strictSame(Buffer.from(write(marked), 'base64url'), Buffer.from(marked, 'base64url'), what)
  }
})

t.test('no token works with any one character changed, added or left out', async (t) => {
  const { token } = ada
  const last = token.length - 1
  t.equal(await statusOf(bearer(token)), 200, 'it is known')
  /** Flips bits of what a character stands for, and the bit that makes a letter another one's capital. */
  const near = (at: number) => [
    ...[1, 32].map((offset) => atOffset(token[at] === '.' ? 'A' : token[at]!, offset)), String.fromCharCode(token.charCodeAt(at) ^ 0x20)
  ]
  const accepted: string[] = []
  for (let at = 0; at <= last; at++) {
    const others = at === last || token[at + 1] === '.' ? [...ALPHABET].filter((char) => char !== token[at]) : near(at)
    const [before, after] = [token.slice(0, at), token.slice(at + 1)]
    for (const text of [...others, `${token[at]}A`, '']) {
      if (await statusOf(bearer(before + text + after)) !== 401) accepted.push(`${text} at ${at}`)
    }
  }
  t.strictSame(accepted, [])
  t.equal(await statusOf(bearer(token)), 200, 'while the token itself still works')
})

t.test('a token ends at `exp`, to the millisecond, however often it was good, and begins at `nbf`', async (t) => {
  const at = now() + 100
  let clock = at * 1000
  t.intercept(Date, 'now', { value: () => clock })
  for (const [nbf, early] of [[undefined, 200], [at - 10, 401]] as const) {
    const token = forge(HS256, claims({ exp: at, nbf }))
    for (const [time, status] of [[-10_001, early], [-10_000, 200], [-1, 200], [0, 401], [1, 401], [1000, 401]] as const) {
      clock = at * 1000 + time
      t.equal(await statusOf(bearer(token)), status, `${time} ms after exp`)
    }
    clock = at * 1000 + 1000
    await refused(t, 'a second after exp', bearer(token), INVALID)
  }
})

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
  const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, { security?: unknown }>> }
  const operations = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods)
    .filter(([, { security }]) => security)
    .map(([method]): Call => [method.toUpperCase(), `${path.replace(/\{\w+\}/g, 'not-an-id')}?colour=red`, '{"']))
  t.equal(operations.length, 29, 'eleven of the account, and nine operations on two mounts')
  await refused(t, 'no token', {}, NONE, operations)
  await refused(t, 'a bad token', bearer(forge(HS256, claims({ exp: now() - 1 }))), INVALID, operations)
  await refused(t, 'no JSON', { 'content-type': 'text/plain' }, NONE, operations)
})

t.test('the token of a user who never existed is refused', async (t) => {
  await refused(t, 'nobody', bearer(forge(HS256, claims({ sub: randomUUID() }))), INVALID,
    [['GET', '/api/auth/me'], ['GET', '/api/tasks'], ['POST', '/api/tasks', { title: 'Buy milk' }]])
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

import { generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import t from 'tap'
import { bearer, forge, hmac, HS256, INVALID, now, part, tokenTester } from '../support/tokens.js'

const { ada, claims, refused, statusOf } = await tokenTester(t)

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

t.test('the token of a user who never existed is refused', async (t) => {
  await refused(t, 'nobody', bearer(forge(HS256, claims({ sub: randomUUID() }))), INVALID,
    [['GET', '/api/auth/me'], ['GET', '/api/tasks'], ['POST', '/api/tasks', { title: 'Buy milk' }]])
})

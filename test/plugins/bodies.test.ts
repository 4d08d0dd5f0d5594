import { gzipSync } from 'node:zlib'
import t from 'tap'
import { startApp, type CallOptions } from '../helper.js'
import { logIn } from '../support/accounts.js'
import { goodBodies, statusOf } from '../support/bodies.js'
import { endpoints, pathOf, type Endpoint } from '../support/endpoints.js'
import { exchange, listen, request } from '../support/raw.js'
import { issuesIn } from '../support/signup.js'

const { app, call, signUp } = await startApp(t)
const ada = await signUp()
const task = await ada.add('Buy milk')
const { refresh_token: refreshToken } = await logIn(call, ada.email)
const goodBody = goodBodies(ada, refreshToken)

const bodied = endpoints.filter(({ body }) => body)
const send = (endpoint: Endpoint, options: CallOptions) => ada.call(endpoint.method, pathOf(endpoint, ada.id, task.id), options)
const nameOf = ({ method, path }: Endpoint) => `${method} ${path}`

const unreadable: Record<string, [body: string | Buffer, detail: string]> = {
  'a text that breaks off': ['{"title": "Buy', 'Malformed JSON'],
  'white space': [' \n', 'Malformed JSON'],
  'something after the object': ['{} {}', 'Malformed JSON'],
  'a comment': ['{} // nothing', 'Malformed JSON'],
  'single quotes': ["{'title': 'Buy milk'}", 'Malformed JSON'],
  NaN: ['{"title": NaN}', 'Malformed JSON'],
  'a raw line break in a text': ['{"title": "Buy\nmilk"}', 'Malformed JSON'],
  'a byte order mark': ['\ufeff{"title": "Buy milk"}', 'Malformed JSON'],
  '30,000 open brackets': ['['.repeat(30_000), 'Malformed JSON'],
  'UTF-16': [Buffer.from('{"title": "Buy milk"}', 'utf16le'), 'Malformed JSON'],
  'Latin-1': [Buffer.from('{"title": "caf\u00e9"}', 'latin1'), 'Malformed UTF-8'],
  'a byte that is never UTF-8': [Buffer.from([0x7b, 0xff, 0x7d]), 'Malformed UTF-8'],
  'UTF-8 that is too long': [Buffer.from([0x22, 0xc0, 0x80, 0x22]), 'Malformed UTF-8'],
  'a surrogate in UTF-8': [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'Malformed UTF-8'],
  'half a character': [Buffer.from([0x22, 0xe2, 0x82]), 'Malformed UTF-8']
}

const shapeless: Record<string, string> = {
  null: 'null',
  'a list': '[]',
  'a list of objects': '[{"title": "Buy milk"}]',
  'a text': '"title"',
  'an empty text': '""',
  'a number': '5',
  zero: '0',
  true: 'true',
  false: 'false',
  '15,000 nested lists': '['.repeat(15_000) + ']'.repeat(15_000)
}

const otherTypes = [
  'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', 'application/json5', 'text/json',
  'application/vnd.api+json', 'application/octet-stream', 'application/json, text/plain', ';application/json', '///', ''
]

for (const endpoint of bodied) {
  t.test(`${nameOf(endpoint)}: a body that cannot be read is 400`, async (t) => {
    for (const [what, [body, detail]] of Object.entries(unreadable)) {
      const answer = await send(endpoint, { body })
      t.strictSame([answer.status, answer.body], [400, { detail, status_code: 400 }], what)
    }
  })

  t.test(`${nameOf(endpoint)}: a body that is no object is 422`, async (t) => {
    for (const [what, body] of Object.entries(shapeless)) {
      const answer = await send(endpoint, { body })
      t.equal(answer.status, 422, what)
      t.strictSame(issuesIn(answer.body), ['body type_error.object'], what)
    }
  })

  t.test(`${nameOf(endpoint)}: a body of another type is 415`, async (t) => {
    for (const type of otherTypes) {
      const answer = await send(endpoint, { body: JSON.stringify(goodBody(endpoint)), headers: { 'content-type': type } })
      t.strictSame([answer.status, answer.body], [415, { detail: 'Unsupported media type', status_code: 415 }], type)
    }
    for (const coding of ['gzip', 'GZIP', 'br', 'unknown']) {
      const body = gzipSync(JSON.stringify(goodBody(endpoint)))
      const answer = await send(endpoint, { body, headers: { 'content-encoding': coding } })
      t.strictSame([answer.status, answer.body], [415, { detail: 'Unsupported media type', status_code: 415 }], coding)
    }
  })

  t.test(`${nameOf(endpoint)}: JSON by any spelling of its name is read`, async (t) => {
    for (const type of [
      'application/json', 'application/json; charset=utf-8', 'Application/JSON;CHARSET="UTF-8"', 'application/json;', 'application/json; charset=latin1'
    ]) {
      // RFC 8259 §11 gives JSON no charset: it is UTF-8, whatever a parameter says.
      const { status } = await send(endpoint, { body: JSON.stringify(goodBody(endpoint)), headers: { 'content-type': type } })
      t.equal(status, statusOf(endpoint), type)
    }
  })

  t.test(`${nameOf(endpoint)}: 64 KiB are read, one byte more is 413`, async (t) => {
    const padded = (bytes: number) => {
      const text = JSON.stringify(goodBody(endpoint))
      return text.slice(0, -1) + ' '.repeat(bytes - text.length) + '}'
    }
    t.equal((await send(endpoint, { body: padded(65_536) })).status, statusOf(endpoint))
    for (const body of [padded(65_537), 'x'.repeat(65_537), padded(1_000_000)]) {
      const answer = await send(endpoint, { body })
      t.strictSame([answer.status, answer.body], [413, { detail: 'Request body too large', status_code: 413 }])
    }
  })

  t.test(`${nameOf(endpoint)}: every unknown field is named, also the ones that JavaScript knows`, async (t) => {
    const unknown = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'user_id', 'id', '', 'a/b', 'a~1b', 'a\u0000b', 'Title']
    const text = JSON.stringify(goodBody(endpoint)).slice(0, -1) + unknown.map((name) => `, ${JSON.stringify(name)}: {"polluted": true}`).join('') + '}'
    const answer = await send(endpoint, { body: text })
    t.equal(answer.status, 422)
    t.strictSame(issuesIn(answer.body).sort(), unknown.map((name) => `body.${name} value_error.extra`).sort())
    t.equal(({} as { polluted?: boolean }).polluted, undefined)
  })

  t.test(`${nameOf(endpoint)}: of thousands of broken rules twenty are listed`, async (t) => {
    const entries = (count: number) => Array.from({ length: count }, (_, i) => `"k${i.toString(36)}":1`).join(',')
    const answer = await send(endpoint, { body: `{${entries(6000)}}` })
    t.equal(answer.status, 422)
    t.equal(issuesIn(answer.body).length, 20)
    const all = await send(endpoint, { body: JSON.stringify({ ...goodBody(endpoint), ...JSON.parse(`{${entries(20)}}`) }) })
    t.equal(new Set(issuesIn(all.body)).size, 20)
    t.equal((await send(endpoint, { body: `{${entries(10_000)}}` })).status, 413)
  })

  const isOptional = endpoint.body === 'TaskCompletion'
  t.test(`${nameOf(endpoint)}: no body at all is ${isOptional ? 'fine' : '422'}, whatever type it would have`, async (t) => {
    const empty: CallOptions[] = [{}, { body: '' }, { headers: { 'content-length': '0' } }]
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      empty.push({ headers: { 'content-type': type } }, { body: '', headers: { 'content-type': type } })
    }
    for (const options of empty) {
      const answer = await send(endpoint, options)
      t.equal(answer.status, isOptional ? 200 : 422, JSON.stringify(options))
      if (!isOptional) t.strictSame(issuesIn(answer.body), ['body value_error.missing'])
    }
  })
}

t.test('a body in chunks has the same limit, and may have none', async (t) => {
  const port = await listen(app)
  const post = async (...parts: string[]) => {
    const headers = [
      'Host: localhost', 'Connection: close', 'Content-Type: application/json', `Authorization: Bearer ${ada.token}`, 'Transfer-Encoding: chunked'
    ]
    const chunks = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
    const answers = await exchange(port, request('POST /api/tasks HTTP/1.1', headers), ...chunks, '0\r\n\r\n')
    return answers.map(({ status, text }) => ({ status, body: JSON.parse(text) as object }))
  }
  const title = '{"title":"Buy milk"'
  t.match(await post(title, `${' '.repeat(65_516)}}`), [{ status: 201 }])
  t.strictSame(await post(title, `${' '.repeat(65_517)}}`), [{ status: 413, body: { detail: 'Request body too large', status_code: 413 } }])
  t.match(await post(), [{ status: 422, body: { detail: [{ loc: ['body'], type: 'value_error.missing' }] } }])
})

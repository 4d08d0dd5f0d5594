import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { changed, notes } from './support/notes.js'

const script = fileURLToPath(new URL('../.ci/openapi-diff.mjs', import.meta.url))

interface Differ {
  breakingChanges: (before: object, after: object) => string[]
  beside: <Correction extends { change: string }>(changes: string[], corrections: Correction[]) =>
  { broken: string[], unused: Correction[] }
  mayBreak: (before: string, after: string) => boolean
}
const { beside, breakingChanges, mayBreak } = await import(script) as Differ

const LIST = 'paths /notes get'
const CREATE = 'paths /notes post'
const REMOVE = 'paths /notes delete'
const ANSWER = 'components schemas Note'
const INPUT = 'components schemas NoteCreate'
const BEARER = 'components securitySchemes bearer'
const text = { type: 'string' }

/** What changes, the place, the new value, what is said about it. */
const breaking: Array<[string, string, unknown, string[]]> = [
  ['a path is gone', 'paths /notes', undefined, ['GET /notes: is gone', 'POST /notes: is gone', 'DELETE /notes: is gone']],
  ['an operation is gone', LIST, undefined, ['GET /notes: is gone']],
  ['an operation has another id', `${LIST} operationId`, 'getNotes', ['GET /notes: operationId listNotes is now getNotes']],
  ['an operation needs a token', `${LIST} security`, [{ bearer: [] }], ['GET /notes: security differs']],
  ['the document asks for a token everywhere', 'security', [{ bearer: [] }], ['GET /notes: security differs', 'DELETE /notes: security differs']],
  ['a token needs more rights', `${CREATE} security`, [{ bearer: ['write'] }], ['POST /notes: security differs']],
  ['the token is another kind', `${BEARER} scheme`, 'basic', ['POST /notes: security differs']],
  ['a parameter is gone', `${LIST} parameters`, [], ['GET /notes query limit: is gone']],
  ['a parameter moves', `${LIST} parameters 0 in`, 'header', ['GET /notes query limit: is gone']],
  ['a parameter becomes required', `${LIST} parameters 0 required`, true, ['GET /notes query limit: is required']],
  ['there is a new required parameter', `${CREATE} parameters`, [{ in: 'query', name: 'pinned', required: true, schema: text }],
    ['POST /notes query pinned: is required']],
  ['a parameter has another default', `${LIST} parameters 0 schema default`, 20, ['GET /notes query limit: default 50 is now 20']],
  ['a limit is tighter above', `${LIST} parameters 0 schema maximum`, 50, ['GET /notes query limit: maximum 100 is now 50']],
  ['a limit is tighter below', `${LIST} parameters 0 schema minimum`, 2, ['GET /notes query limit: minimum 1 is now 2']],
  ['a limit is new', `${INPUT} properties color maxLength`, 9, ['POST /notes body color: maxLength nothing is now 9']],
  ['a smallest length is new', `${INPUT} properties color minLength`, 1, ['POST /notes body color: minLength nothing is now 1']],
  ['a body is gone', `${CREATE} requestBody`, undefined, ['POST /notes body: is gone']],
  ['there is a new required body', `${REMOVE} requestBody`, { required: true, content: {} }, ['DELETE /notes body: is required']],
  ['a media type of a body is gone', `${CREATE} requestBody content`, { 'text/plain': {} }, ['POST /notes body application/json: is gone']],
  ['a media type of an answer is gone', `${CREATE} responses 201 content`, {}, ['POST /notes 201 application/json: is gone']],
  ['an answer has no content any more', `${CREATE} responses 201 content`, undefined, ['POST /notes 201 application/json: is gone']],
  ['an error status is gone', `${LIST} responses 401`, undefined, ['GET /notes 401: is gone']],
  ['a success has another status', `${REMOVE} responses`, { 202: {} }, ['DELETE /notes 204: is gone', 'DELETE /notes 202: is a new success']],
  ['a redirect is new', `${REMOVE} responses 302`, {}, ['DELETE /notes 302: is a new success']],
  ['a header is gone', `${LIST} responses 200 headers`, undefined, ['GET /notes 200 Link: is gone']],
  ['a member has another type', `${INPUT} properties weight type`, 'string', ['POST /notes body weight: type "integer" is now "string"']],
  ['null is not taken any more', `${INPUT} properties color`, text, ['POST /notes body color: type ["string","null"] is now "string"']],
  ['null may be answered', `${ANSWER} properties text type`, ['string', 'null'], [
    'GET /notes 200[] text: type "string" is now ["string","null"]', 'POST /notes 201 text: type "string" is now ["string","null"]']],
  ['anything may be answered', `${ANSWER} properties text type`, undefined, [
    'GET /notes 200[] text: type "string" is now nothing', 'POST /notes 201 text: type "string" is now nothing']],
  ['a list of something else is answered', `${LIST} responses 200 content application/json schema items`, { type: 'object' },
    ['text', 'color', 'kind'].map((name) => `GET /notes 200[] ${name}: is gone`)
      .concat('GET /notes 200[]: additionalProperties false is now nothing')],
  ['a list of anything is answered', `${LIST} responses 200 content application/json schema items`, undefined, [
    'GET /notes 200[]: type "object" is now nothing',
    ...['text', 'color', 'kind'].map((name) => `GET /notes 200[] ${name}: is gone`),
    'GET /notes 200[]: additionalProperties false is now nothing'
  ]],
  ['a value is not taken any more', `${INPUT} properties kind enum`, ['memo'], ['POST /notes body kind: values ["memo","draft"] is now ["memo"]']],
  ['any one of two values becomes a constant', `${INPUT} properties kind`, { const: 'memo' },
    ['POST /notes body kind: values ["memo","draft"] is now ["memo"]']],
  ['only some values are taken', `${INPUT} properties weight enum`, [1, 2], ['POST /notes body weight: values nothing is now [1,2]']],
  ['a new value may be answered', `${ANSWER} properties kind enum`, ['memo', 'draft', 'todo'],
    ['GET /notes 200[]', 'POST /notes 201'].map((where) => `${where} kind: values ["memo","draft"] is now ["memo","draft","todo"]`)],
  ['a member of a body is gone', `${INPUT} properties color`, undefined, ['POST /notes body color: is gone']],
  ['a member of a body becomes required', `${INPUT} required`, ['text', 'color'], ['POST /notes body color: is required']],
  ['a member of an answer is gone', `${ANSWER} properties color`, undefined, ['GET /notes 200[] color: is gone', 'POST /notes 201 color: is gone']],
  ['a member of an answer may be absent', `${ANSWER} required`, ['text'], ['GET /notes 200[] kind: may be absent', 'POST /notes 201 kind: may be absent']],
  ['unknown members are refused', `${INPUT} additionalProperties`, false, ['POST /notes body: additionalProperties nothing is now false']],
  ['a pattern is another', `${INPUT} properties text pattern`, '^[a-f]+$', ['POST /notes body text: pattern "^[a-z]+$" is now "^[a-f]+$"']],
  ['a pattern is new', `${INPUT} properties color pattern`, '^#', ['POST /notes body color: pattern nothing is now "^#"']],
  ['a format is not promised any more', `${ANSWER} properties text format`, undefined,
    ['GET /notes 200[]', 'POST /notes 201'].map((where) => `${where} text: format "markdown" is now nothing`)]
]

const harmless: Array<[string, string, unknown]> = [
  ['nothing', 'info version', '1.0.0'],
  ['there is a new path', 'paths /other', notes.paths['/notes']],
  ['there is a new optional parameter', `${CREATE} parameters`, [{ in: 'query', name: 'pinned', required: false, schema: text }]],
  ['there is a new optional body', `${REMOVE} requestBody`, { required: false, content: {} }],
  ['a body may be left out', `${CREATE} requestBody required`, false],
  ['there is a new error status', `${REMOVE} responses 429`, {}],
  ['who has an answer may be told that it is still good', `${LIST} responses 304`, {}],
  ['there is a new header', `${REMOVE} responses 204 headers`, { Link: { schema: text } }],
  ['a limit is looser', `${INPUT} properties text maxLength`, 300],
  ['a limit is gone', `${INPUT} properties text minLength`, undefined],
  ['a pattern is gone', `${INPUT} properties text pattern`, undefined],
  ['a limit of an answer is another', `${ANSWER} properties text maxLength`, 100],
  ['an answer may have more items', `${LIST} responses 200 content application/json schema maxItems`, 200],
  ['an answer may have fewer items', `${LIST} responses 200 content application/json schema minItems`, 0],
  ['a number with a fraction is taken too', `${INPUT} properties weight type`, 'number'],
  ['a new value is taken', `${INPUT} properties kind enum`, ['memo', 'draft', 'todo']],
  ['a value is not answered any more', `${ANSWER} properties kind enum`, ['memo']],
  ['null is not answered any more', `${ANSWER} properties color type`, 'string'],
  ['a body may have a new member', `${INPUT} properties note`, text],
  ['a member of a body may be left out', `${INPUT} required`, []],
  ['an answer has a new member', `${ANSWER} properties note`, text],
  ['a member is always there', `${ANSWER} required`, ['text', 'kind', 'color']],
  ['an answer promises a pattern', `${ANSWER} properties text pattern`, '^[a-z]+$'],
  ['another description', `${ANSWER} properties text description`, 'Some text'],
  ['another title', `${ANSWER} properties text title`, 'Other'],
  ['a warning that it will go', `${INPUT} properties text deprecated`, true],
  ['another example', `${INPUT} properties text examples`, ['abc']],
  ['a remark of ours', `${INPUT} properties text x-normalize`, ['trim']],
  ['the description of the token', `${BEARER} description`, 'Another text']
]

t.test('what breaks a client is told', async (t) => {
  for (const [what, place, value, lines] of breaking) t.strictSame(breakingChanges(notes, changed(place, value)), lines, what)
})

t.test('what no client can notice, or may ignore, is fine', async (t) => {
  for (const [what, place, value] of harmless) t.strictSame(breakingChanges(notes, changed(place, value)), [], what)
})

t.test('a name with a slash or a tilde is found', async (t) => {
  const { $ref } = { $ref: '#/components/schemas/a~1b~0c' }
  const schemas = { ...notes.components.schemas, 'a/b~c': notes.components.schemas.NoteCreate }
  const before = changed('components schemas', schemas)
  const after = structuredClone(before) as typeof notes
  after.paths['/notes'].post.requestBody.content['application/json'].schema = { $ref }
  t.strictSame(breakingChanges(before, after), [])
})

t.test('a new major version may break clients, and a new minor one while it is 0.x', async (t) => {
  for (const [before, after] of [['1.9.9', '2.0.0'], ['0.9.0', '1.0.0'], ['0.1.0', '0.2.0'], ['9.0.0', '10.0.0'], ['0.9.0', '0.10.0']]) {
    t.ok(mayBreak(before!, after!), `${before} to ${after}`)
  }
  for (const [before, after] of [['1.0.0', '1.0.0'], ['1.0.0', '1.1.0'], ['0.1.0', '0.1.1'], ['2.0.0', '1.9.9'], ['1.2.0', '0.3.0']]) {
    t.notOk(mayBreak(before!, after!), `${before} to ${after}`)
  }
})

t.test('a correction says of the server what it did before too, and counts as no change', async (t) => {
  const lines = ['POST /notes body text: pattern "a" is now "b"', 'GET /notes query limit: maximum 9 is now 8']
  const [pattern, other] = [{ change: 'pattern "a" is now "b"' }, { change: 'pattern "a" is now "c"' }]
  t.strictSame(beside(lines, [pattern]), { broken: [lines[1]], unused: [] })
  t.strictSame(beside(lines, [pattern, other]), { broken: [lines[1]], unused: [other] }, 'one that corrects nothing is told')
})

t.test('openapi.json breaks no client of the last release, and each correction has its reason', async (t) => {
  const json = (path: string) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')) as never
  const corrections: Array<{ change: string, reason: string }> = json('.ci/openapi-corrections.json')
  t.strictSame(beside(breakingChanges(json('.ci/openapi.released.json'), json('openapi.json')), corrections), { broken: [], unused: [] })
  for (const { reason } of corrections) t.match(reason, /\w+ \w+/)
})

t.test('the command fails for a breaking change, unless the version says so', async (t) => {
  const folder = t.testdir()
  const compare = async (after: object, corrections: object[] = []) => {
    const files = [notes, after, corrections].map((content, index) => {
      const file = join(folder, `${index}.json`)
      writeFileSync(file, JSON.stringify(content))
      return file
    })
    return await new Promise<{ code: unknown, out: string }>((resolve) => {
      execFile(process.execPath, [script, ...files], { env: { ...process.env, NODE_OPTIONS: '' } }, (error, out) => { resolve({ code: error?.code ?? 0, out }) })
    })
  }
  t.strictSame(await compare(notes), { code: 0, out: '' })
  t.strictSame(await compare(notes, [{ change: 'GET /notes: is gone' }]), { code: 1, out: 'No such change: GET /notes: is gone\n' })

  const gone = changed(LIST, undefined) as typeof notes
  t.strictSame(await compare(gone), {
    code: 1,
    out: 'GET /notes: is gone\nThese changes break clients of 1.0.0, and 1.0.0 does not say so\n'
  })
  gone.info.version = '2.0.0'
  t.strictSame(await compare(gone), { code: 0, out: 'GET /notes: is gone\n' })
})

import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { startApp, type Answer, type CallOptions } from '../helper.js'
import { endpoints, pathOf, takesToken, type Endpoint } from '../support/endpoints.js'
import { connectTo } from '../support/database.js'
import { describedBy, examplesOf, expectedHeaders, mediaTypes, nameOf, refTo, texts, type Document, type Operation } from '../support/openapi.js'

const { app, call, signUp } = await startApp(t)
const document = app.swagger() as unknown as Document
const { schemas } = document.components
const ada = await signUp()

const operationOf = ({ path, method }: Endpoint): Operation => document.paths[path]![method.toLowerCase()]!
const { ajv, fits } = describedBy(document)

t.test('openapi.json in the repository is what the application generates', async (t) => {
  const file = await readFile(new URL('../../openapi.json', import.meta.url), 'utf8')
  t.equal(file, `${JSON.stringify(document, null, 2)}\n`, 'if not: npm run openapi')
})

t.test('it is OpenAPI 3.1 with the endpoints of the contract and no other', async (t) => {
  t.match(document.openapi, /^3\.1\.\d$/)
  const listed = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
  t.strictSame(listed.sort(), endpoints.map(nameOf).sort())
})

t.test('every reference leads somewhere, every component is used, and none has an $id to confuse a reader', async (t) => {
  const text = JSON.stringify(document)
  const used = new Set([...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name))
  t.equal([...text.matchAll(/"\$ref"/g)].length, [...text.matchAll(/"\$ref":"#\/components\/schemas\/\w+"/g)].length)
  t.strictSame([...used].sort(), Object.keys(schemas).sort())
  t.notMatch(text, '"$id"')
})

for (const endpoint of endpoints) {
  t.test(`${nameOf(endpoint)} is documented as it is promised`, async (t) => {
    const operation = operationOf(endpoint)
    const { requestBody, responses, parameters = [] } = operation
    for (const key of ['operationId', 'summary', 'description'] as const) t.match(operation[key], /\w/, key)
    t.equal(operation.tags.length, 1)
    t.ok(document.tags.some(({ name }) => name === operation.tags[0]), 'its tag is described')
    t.strictSame(operation.security ?? [], endpoint.isProtected ? [{ bearer: [] }] : [])

    t.strictSame(Object.keys(responses).map(Number), [endpoint.success, ...endpoint.errors].sort((a, b) => a - b), 'its statuses')
    for (const [status, { description, content, headers = {} }] of Object.entries(responses)) {
      t.match(description, /\w/, `${status} is described`)
      const component = status === '304' ? undefined : Number(status) < 400 ? endpoint.answer : status === '422' ? 'ValidationError' : 'ErrorAnswer'
      const type = mediaTypes[component!] ?? 'application/json'
      t.strictSame(Object.keys(content ?? {}), component ? [type] : [], `types of ${status}`)
      if (component) t.strictSame(content?.[type]?.schema, refTo(component), `component of ${status}`)
      const expected = expectedHeaders[status] ?? [
        ...(Number(status) === endpoint.success ? endpoint.successHeaders ?? [] : []),
        ...(status === '201' ? ['Location'] : []),
        ...(component === 'Task' || component === 'TaskPage' ? ['ETag'] : []),
        ...(endpoint.headers?.includes('Idempotency-Key') && status === '201' ? ['Idempotency-Replayed'] : []),
        ...(component === 'TaskPage' ? ['Link'] : []),
        ...(endpoint.method === 'PATCH' && status === '415' ? ['Accept-Patch'] : [])
      ]
      t.strictSame(Object.keys(headers), expected, `headers of ${status}`)
    }

    const { body, types = body ? ['application/json'] : [] } = endpoint
    t.strictSame(Object.keys(requestBody?.content ?? {}), types)
    if (endpoint.body) {
      for (const type of types) t.strictSame(requestBody!.content![type]!.schema, refTo(endpoint.body))
      t.equal(requestBody!.required, endpoint.body !== 'TaskCompletion', 'only PATCH …/complete may come without a body')
    }

    const named = (place: string) => parameters.filter((parameter) => parameter.in === place)
    const inPath = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    t.strictSame(named('path').map(({ name }) => name).sort(), inPath.sort())
    for (const { required, schema, name } of named('path')) t.match([required, schema], [true, { type: 'string', format: 'uuid' }], name)
    const isList = endpoint.answer === 'TaskPage'
    t.strictSame(named('query').map(({ name, required }) => [name, required]).sort(),
      (isList ? ['cursor', 'due_after', 'due_before', 'is_completed', 'limit', 'offset', 'q', 'sort'] : [...endpoint.query ?? []].sort())
        .map((name) => [name, false]),
      'no query parameter is required')
    t.strictSame(named('header').map(({ name, required }) => [name, required]), (endpoint.headers ?? []).map((name) => [name, false]))
    for (const { description, name } of parameters) t.match(description, /\w/, name)
    for (const { name, ...given } of [...named('query'), ...named('header')]) {
      t.notMatch(JSON.stringify(given), /"examples?"/, `"Try it out" sends no ${name} that nobody has typed`)
    }
  })

  t.test(`${nameOf(endpoint)} has an example for every body and answer, and each fits`, async (t) => {
    const { requestBody, responses } = operationOf(endpoint)
    for (const [where, { content = {} }] of Object.entries({ ...responses, body: requestBody ?? {} })) {
      const media = content['application/json']
      if (!media) continue
      const examples = examplesOf(media)
      t.ok(examples.length > 0, `${where} has an example`)
      for (const example of examples) {
        t.ok(fits(media.schema, example), `${where}: ${JSON.stringify(example)} ${ajv.errorsText()}`)
        if (Number(where) < 400 || where === 'body') continue
        const { detail, status_code: status } = example as { detail: string, status_code: number }
        t.equal(status, Number(where))
        if (where !== '422') t.ok(texts[where]!.includes(detail), detail)
      }
    }
  })
}

t.test('a generated client compiles, and has what its users need', async (t) => {
  for (const name of Object.keys(schemas)) t.notOk(name in globalThis, `${name} shadows nothing that JavaScript has`)
  t.strictSame(schemas.ValidationError!.properties!.status_code, { type: 'integer', enum: [422] }, 'an integer, in Java too')
  t.match(schemas.ValidationError!.properties!.detail, { type: 'array', items: refTo('ValidationIssue') }, 'a broken rule has a type with a name')
  const [, offset, cursor] = operationOf(endpoints.find(({ answer }) => answer === 'TaskPage')!).parameters!
  t.match(offset, { name: 'offset', schema: { type: 'integer', format: 'int64', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } })
  t.match(schemas.TaskPage!.properties!.offset, { format: 'int64' })
  t.match(cursor, { name: 'cursor', schema: { type: 'string', minLength: 1, pattern: '^[A-Za-z0-9_-]*$' } })
  const forReaders = endpoints.filter((endpoint) => operationOf(endpoint)['x-internal'] === true)
  t.strictSame(forReaders.map(({ path }) => path), ['/docs', '/redoc', '/openapi.json'], 'the pages are marked, and nothing else')
  for (const endpoint of endpoints) t.equal(operationOf(endpoint).tags[0] === 'Documents', forReaders.includes(endpoint), nameOf(endpoint))
  t.match(document.info.contact, { name: /\w/ })
})

t.test('the token goes where it is documented', async (t) => {
  t.match(document.components.securitySchemes, { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } })
})

t.test('every operation has an id of its own', async (t) => {
  const ids = endpoints.map((endpoint) => operationOf(endpoint).operationId)
  t.equal(new Set(ids).size, endpoints.length)
  for (const id of ids) t.match(id, /^[a-z][A-Za-z]+$/, 'which is a name in any language')
})

t.test('objects of requests and of answers refuse what they do not name', async (t) => {
  for (const [name, schema] of Object.entries(schemas)) {
    if (!['HtmlPage', 'EventStreamText', 'OpenApiDocument'].includes(name)) t.match(schema, { type: 'object', additionalProperties: false }, name)
    for (const example of schema.examples ?? []) t.ok(fits(refTo(name), example), `${name}: ${ajv.errorsText()}`)
  }
})

/** Asks as the documented example does. */
async function askAsInExample (endpoint: Endpoint, body: unknown): Promise<Answer> {
  const { id } = await ada.add('Buy milk')
  return ada.call(endpoint.method, pathOf(endpoint, ada.id, id), { body })
}

/** What takes a token, or ends the session that asks, is tried elsewhere. */
const hasExample = (endpoint: Endpoint) => endpoint.body && !takesToken(endpoint) && !endpoint.path.includes('me/')

for (const endpoint of endpoints.filter(hasExample)) {
  t.test(`${nameOf(endpoint)}: its example works`, async (t) => {
    // In the document's order: somebody signs up before they log in.
    for (const example of examplesOf(operationOf(endpoint).requestBody!.content!['application/json']!)) {
      const { status, headers, body } = await askAsInExample(endpoint, example)
      t.equal(status, endpoint.success)
      t.equal(headers.location !== undefined, status === 201)
      t.ok(fits(refTo(endpoint.answer!), body), ajv.errorsText())
    }
  })
}

t.test('the documented headers come', async (t) => {
  const down = await startApp(t, { database: connectTo('pglite:memory') })
  const bodyOf = ({ body }: Endpoint): CallOptions => body ? { body: schemas[body]!.examples![0] } : {}
  await ada.add('Make it two')
  for (const endpoint of endpoints) {
    const path = pathOf(endpoint, ada.id, randomUUID())
    const { errors, success, answer, method } = endpoint
    if (errors.includes(503) && !takesToken(endpoint)) t.match((await down.call(method, path, { token: ada.token, ...bodyOf(endpoint) })).headers['retry-after'], /^\d+$/, `503 of ${path}`)
    if (endpoint.isProtected) t.match((await call(method, path)).headers['www-authenticate'], /^Bearer/, `401 of ${path}`)
    if (success === 201 && endpoint.isProtected) {
      const { headers } = await ada.call(method, path, bodyOf(endpoint))
      t.equal((await ada.call('GET', String(headers.location))).status, 200, `Location of ${path}`)
    }
    if (answer === 'TaskPage') t.match((await ada.call(method, `${path}?limit=1`)).headers.link, /^<[^>]+>; rel="next"$/, `Link of ${path}`)
  }
  const wrong = await call('POST', '/api/auth/login', { body: { email: ada.email, password: 'not the password' } })
  t.strictSame([wrong.status, wrong.headers['www-authenticate']], [401, 'Bearer'])
})

t.test('title and version are settings', async (t) => {
  const { call } = await startApp(t, { database: app.db, settings: { API_TITLE: 'Lists', API_VERSION: '9.9.9-test' } })
  const { body } = await call('GET', '/openapi.json')
  t.match(body.info, { title: 'Lists', version: '9.9.9-test' })
  const { info, ...rest } = JSON.parse(JSON.stringify(document)) as Document
  t.strictSame(body, { ...rest, info: { ...info, title: 'Lists', version: '9.9.9-test' } }, 'and nothing else follows them')
})

// Tells whether a new OpenAPI document breaks the clients of an old one. A breaking change is fine when the version says
// so: a new major one, or a new minor one while it is 0.x.
// Usage: node .ci/openapi-diff.mjs OLD.json NEW.json [CORRECTIONS.json]
// Corrections are changes that say of the server what it did before too: a list of {change, reason}, where the change is the
// end of a line that this would print.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'

/** Limits: what a client sends has to fit them; what it receives it does not check. */
const UPPER = ['maximum', 'maxLength', 'maxItems']
const LOWER = ['minimum', 'minLength', 'minItems']

/** Keywords that have a rule of their own, or that say nothing about which values are valid. */
const KNOWN = new Set([...UPPER, ...LOWER, 'type', 'enum', 'const', 'properties', 'required', 'items', 'default', '$ref',
  'description', 'title', 'examples', 'deprecated'])

/**
 * Compares two OpenAPI 3.1 documents. What clients may use or ignore can be added: operations, optional parameters and
 * members, members of an answer, error statuses.
 * @returns each change that can break a client, as a line of text
 */
export function breakingChanges (before, after) {
  const found = []
  const report = (where, what) => { found.push(`${where}: ${what}`) }
  const both = (left, right) => [resolved(before, left), resolved(after, right)]

  function operation (where, left, right) {
    if (left.operationId !== right.operationId) report(where, `operationId ${left.operationId} is now ${right.operationId}`)
    if (!isDeepStrictEqual(accessOf(before, left), accessOf(after, right))) report(where, 'security differs')
    parameters(where, parametersOf(before, left), parametersOf(after, right))
    body(`${where} body`, ...both(left.requestBody, right.requestBody))
    for (const status of Object.keys(left.responses)) {
      if (right.responses[status]) answer(`${where} ${status}`, ...both(left.responses[status], right.responses[status]))
      else report(`${where} ${status}`, 'is gone')
    }
    for (const status of Object.keys(right.responses)) {
      // Nobody gets a 304 who has not asked for it, by a header that had no meaning before.
      if (status < '400' && status !== '304' && !left.responses[status]) report(`${where} ${status}`, 'is a new success')
    }
  }

  function parameters (where, left, right) {
    for (const [name, parameter] of left) {
      // The server refuses a parameter that it does not know.
      if (right.has(name)) schema(`${where} ${name}`, parameter.schema, right.get(name).schema, 'request')
      else report(`${where} ${name}`, 'is gone')
    }
    for (const [name, { required }] of right) {
      if (required && !left.get(name)?.required) report(`${where} ${name}`, 'is required')
    }
  }

  function body (where, left, right) {
    if (left && !right) report(where, 'is gone')
    if (right?.required && !left?.required) report(where, 'is required')
    if (left && right) content(where, left, right, 'request')
  }

  function answer (where, left, right) {
    for (const name of Object.keys(left.headers ?? {})) if (!right.headers?.[name]) report(`${where} ${name}`, 'is gone')
    content(where, left, right, 'answer')
  }

  function content (where, { content: left = {} }, { content: right = {} }, direction) {
    for (const type of Object.keys(left)) {
      if (right[type]) schema(where, left[type].schema, right[type].schema, direction)
      else report(`${where} ${type}`, 'is gone')
    }
  }

  // The new server has to understand all that old clients send, and old clients all that the new server answers.
  function schema (where, then, now, direction) {
    const [left = {}, right = {}] = both(then, now)
    const [sent, understood] = direction === 'request' ? [left, right] : [right, left]

    if (typesOf(sent).some((type) => !typesOf(understood).includes(type))) report(where, changed('type', left.type, right.type))
    const values = valuesOf(understood)
    const fits = !values || valuesOf(sent)?.every((value) => values.includes(value))
    if (!fits) report(where, changed('values', valuesOf(left), valuesOf(right)))
    for (const [name, property] of Object.entries(left.properties ?? {})) {
      if (right.properties?.[name]) schema(`${where} ${name}`, property, right.properties[name], direction)
      else report(`${where} ${name}`, 'is gone')
    }
    for (const name of understood.required ?? []) {
      if (right.properties?.[name] && !sent.required?.includes(name)) {
        report(`${where} ${name}`, direction === 'request' ? 'is required' : 'may be absent')
      }
    }
    if (left.items || right.items) schema(`${where}[]`, left.items, right.items, direction)
    if (direction === 'request') limits(where, left, right)
    // Of a keyword that has no rule here, any change counts that could make it stricter for whoever has to understand it.
    for (const name of Object.keys(understood)) {
      const isKnown = KNOWN.has(name) || name.startsWith('x-')
      if (!isKnown && !isDeepStrictEqual(left[name], right[name])) report(where, changed(name, left[name], right[name]))
    }
  }

  function limits (where, left, right) {
    const tighter = [
      ...UPPER.filter((name) => right[name] < (left[name] ?? Infinity)),
      ...LOWER.filter((name) => right[name] > (left[name] ?? -Infinity))
    ]
    if (left.default !== right.default) tighter.push('default')
    for (const name of tighter) report(where, changed(name, left[name], right[name]))
  }

  for (const [path, item] of Object.entries(before.paths)) {
    for (const [method, then] of Object.entries(item)) {
      const now = after.paths[path]?.[method]
      if (now) operation(`${method.toUpperCase()} ${path}`, then, now)
      else report(`${method.toUpperCase()} ${path}`, 'is gone')
    }
  }
  return found
}

/** What a `$ref` stands for (RFC 6901). */
function resolved (document, node) {
  if (!node?.$ref) return node
  const names = node.$ref.slice(2).split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  return resolved(document, names.reduce((at, name) => at[name], document))
}

/** Parameters by place and name. */
const parametersOf = (document, { parameters = [] }) => new Map(parameters.map((reference) => {
  const parameter = resolved(document, reference)
  return [`${parameter.in} ${parameter.name}`, parameter]
}))

/** The ways to be allowed in, whatever they are called. */
const accessOf = (document, { security = document.security ?? [] }) => security.map((schemes) =>
  Object.entries(schemes).map(([name, scopes]) => ({ ...document.components.securitySchemes[name], description: '', scopes })))

/** The types of a schema: a number may be an integer, and a schema without a type takes all. */
const typesOf = ({ type = ['string', 'number', 'boolean', 'object', 'array', 'null'] }) =>
  [type].flat().flatMap((name) => name === 'number' ? ['number', 'integer'] : name)

const valuesOf = (schema) => 'const' in schema ? [schema.const] : schema.enum

const changed = (what, left, right) => `${what} ${JSON.stringify(left) ?? 'nothing'} is now ${JSON.stringify(right) ?? 'nothing'}`

/**
 * @param changes of breakingChanges
 * @param corrections `{change, reason}` each
 * @returns the changes that are no corrections, and the corrections that are none of the changes
 */
export function beside (changes, corrections) {
  const fits = (line, { change }) => line.endsWith(change)
  return {
    broken: changes.filter((line) => !corrections.some((correction) => fits(line, correction))),
    unused: corrections.filter((correction) => !changes.some((line) => fits(line, correction)))
  }
}

/** Whether the version says that clients may break: a new major one, or a new minor one of 0.x. */
export function mayBreak (before, after) {
  const [[major, minor], [newMajor, newMinor]] = [before, after].map((version) => version.split('.').map(Number))
  return newMajor > major || (newMajor === 0 && major === 0 && newMinor > minor)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [before, after, corrections = []] = process.argv.slice(2, 5).map((path) => JSON.parse(readFileSync(path, 'utf8')))
  const { broken, unused } = beside(breakingChanges(before, after), corrections)
  for (const line of broken) console.log(line)
  for (const { change } of unused) console.log(`No such change: ${change}`)
  if (unused.length > 0) process.exitCode = 1
  if (broken.length > 0 && !mayBreak(before.info.version, after.info.version)) {
    console.log(`These changes break clients of ${before.info.version}, and ${after.info.version} does not say so`)
    process.exitCode = 1
  }
}

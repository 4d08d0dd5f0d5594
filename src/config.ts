import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { parseEnv } from 'node:util'
import { Type, type Static } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import { root } from './root.js'
import { keptSecret } from './secret.js'

const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }

/** Where the embedded database and the generated secret live, below the folder that the server is started in. */
const DATA = '.data'

/** Origins, scheme://host[:port] in lower case, as a browser sends them, with commas between; or `*` alone. */
const ORIGINS = '^(\\*|https?://[a-z0-9.:[\\]-]+(\\s*,\\s*https?://[a-z0-9.:[\\]-]+)*)$'

/**
 * Hashes are computed in libuv's thread pool, which file system and name look-ups need as well: one thread is left to them.
 * (libuv documentation, "Thread pool work scheduling")
 */
const MAX_HASH_THREADS = Math.max(1, (Number(process.env.UV_THREADPOOL_SIZE) || 4) - 1)

const perMinute = (preset: number, what: string) =>
  Type.Integer({ default: preset, minimum: 1, maximum: 1_000_000, description: `${what} in a minute, 1 to 1000000` })

/** Every setting: name, rule, default. The descriptions are the second half of the line that a bad setting prints. */
export const Settings = Type.Object({
  NODE_ENV: Type.String({ default: 'development', description: '"production" refuses the embedded defaults' }),
  DATABASE_URL: Type.String({
    default: `pglite:${DATA}/pglite`,
    pattern: '^(postgres(ql)?://.+|pglite:.+)$',
    format: 'url',
    description: 'postgres://user:password@host:5432/database, or pglite: and a folder, or pglite:memory'
  }),
  SECRET_KEY: Type.String({
    default: '',
    minLength: 32,
    description: 'at least 32 random characters; make one with: openssl rand -hex 32'
  }),
  SECRET_KEY_PREVIOUS: Type.Optional(Type.String({
    minLength: 32, description: 'the SECRET_KEY before this one, at least 32 characters, while tokens signed with it are about'
  })),
  ACCESS_TOKEN_EXPIRE_MINUTES: Type.Integer({
    default: 30, minimum: 1, maximum: 525_600, description: 'a whole number of minutes, 1 to 525600'
  }),
  JWT_ISSUER: Type.String({ default: 'todo-backend', description: 'the "iss" of the tokens, a text' }),
  JWT_AUDIENCE: Type.String({ default: 'todo-backend', description: 'the "aud" of the tokens, a text' }),
  ARGON2_MEMORY_KIB: Type.Integer({
    default: 19_456, minimum: 8, maximum: 4_194_304, description: 'memory of one password hash in KiB, 8 to 4194304'
  }),
  ARGON2_TIME_COST: Type.Integer({ default: 2, minimum: 1, maximum: 100, description: 'passes of one password hash, 1 to 100' }),
  ARGON2_PARALLELISM: Type.Integer({ default: 1, minimum: 1, maximum: 16, description: 'lanes of one password hash, 1 to 16' }),
  HASH_THREADS: Type.Integer({
    default: Math.min(Math.max(1, availableParallelism() - 1), MAX_HASH_THREADS),
    minimum: 1,
    maximum: MAX_HASH_THREADS,
    description: `threads that hash passwords, 1 to ${MAX_HASH_THREADS} (one less than UV_THREADPOOL_SIZE)`
  }),
  HASH_QUEUE: Type.Integer({ default: 64, minimum: 0, maximum: 10_000, description: 'passwords that may wait to be hashed, 0 to 10000' }),
  MAX_CONCURRENT_REQUESTS: Type.Integer({
    default: 2000, minimum: 1, maximum: 100_000, description: 'requests of the API at a time, 1 to 100000'
  }),
  CORS_ORIGINS: Type.String({
    default: 'http://localhost:3000,http://localhost:3001,http://localhost:5173',
    pattern: ORIGINS,
    description: 'exact origins like https://app.example.com with commas between, or *'
  }),
  HOST: Type.String({ default: '', description: 'the address to listen on' }),
  PORT: Type.Integer({ default: 8000, minimum: 0, maximum: 65_535, description: 'a port number, 0 to 65535' }),
  DATABASE_POOL_SIZE: Type.Integer({ default: 4, minimum: 1, maximum: 100, description: 'connections to PostgreSQL, 1 to 100' }),
  DATABASE_CONNECT_TIMEOUT: Type.Integer({
    default: 2000, minimum: 100, maximum: 60_000, description: 'milliseconds for a new connection to PostgreSQL, 100 to 60000'
  }),
  DATABASE_STATEMENT_TIMEOUT: Type.Integer({
    default: 2000, minimum: 100, maximum: 60_000, description: 'milliseconds for a statement in PostgreSQL, 100 to 60000'
  }),
  DATABASE_QUEUE: Type.Integer({
    default: 1000, minimum: 1, maximum: 100_000, description: 'statements on their way to PostgreSQL at most, 1 to 100000'
  }),
  SHUTDOWN_DRAIN_SECONDS: Type.Integer({
    default: 0, minimum: 0, maximum: 60, description: 'seconds from the signal to stop until nobody is let in any more, 0 to 60'
  }),
  LOG_LEVEL: Type.Union(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => Type.Literal(level)), {
    default: 'info', description: 'one of fatal, error, warn, info, debug, trace, silent'
  }),
  RATE_LIMIT: Type.Union([Type.Literal('on'), Type.Literal('off')], { default: 'on', description: 'on or off' }),
  RATE_LIMIT_ADDRESS: perMinute(60, 'signups and logins of an address'),
  RATE_LIMIT_ACCOUNT: perMinute(10, 'signups and logins of an account from one address'),
  RATE_LIMIT_USER: perMinute(1000, 'other requests of a user'),
  TRUST_PROXY: Type.Optional(Type.String({
    format: 'proxies',
    description: 'addresses, networks like 10.0.0.0/8, or loopback, linklocal, uniquelocal, with commas between'
  })),
  REDIS_URL: Type.Optional(Type.String({
    pattern: '^rediss?://.+', format: 'url', description: 'redis://user:password@host:6379, or rediss:// for TLS'
  })),
  API_TITLE: Type.String({ default: 'Todo Backend API', description: 'the name in the documents, a text' }),
  API_VERSION: Type.String({ default: version, description: 'the version in the documents, a text' })
})
export type Config = Static<typeof Settings>

/** A setting that stops the start. The message is one line: which, what it has to be, how to get it. */
export class ConfigError extends Error {
  constructor (name: string, rule: string) {
    super(`Setting ${name} is missing or wrong: it has to be ${rule}`)
  }
}

// What runs once is not worth the time that Ajv takes to check the schema and to optimize the validator.
const validate = new Ajv({ coerceTypes: true, useDefaults: true, meta: false, validateSchema: false, code: { optimize: false } })
  .addFormat('url', isUrl).addFormat('proxies', areProxies).compile<Config>(Settings)

/** Whether a URL can be read, its credentials too. Whoever finds out later would quote the password. */
function isUrl (text: string): boolean {
  try {
    const { username, password } = new URL(text)
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

/** Whether each is an address, a network, or a name that Fastify's `trustProxy` knows. */
function areProxies (text: string): boolean {
  return text.split(',').every((part) => {
    const [address = '', prefix, ...rest] = part.trim().split('/')
    if (['loopback', 'linklocal', 'uniquelocal'].includes(part.trim())) return true
    const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!
    return rest.length === 0 && bits > 0 && (prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits))
  })
}

/** Texts people leave in place of a secret. */
const PLACEHOLDER = /change|replace|placeholder|example|your[-_ ]|default|secret|password|^(.{1,8})\1+$/i

/**
 * Reads the settings.
 * @param env the environment; by default the process's own over the `.env` file of the current folder
 * @returns every setting, checked, with defaults
 * @throws ConfigError for the first bad setting
 */
export function loadConfig (env: NodeJS.ProcessEnv = { ...dotenv(), ...process.env }): Config {
  // An empty value means "not set", as a line `NAME=` in .env suggests.
  const given: Record<string, unknown> = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()))
  const production = given.NODE_ENV === 'production'
  if (production) requireOwn(given, 'DATABASE_URL', 'SECRET_KEY')
  given.HOST ??= production ? '0.0.0.0' : '127.0.0.1'
  given.SHUTDOWN_DRAIN_SECONDS ??= production ? 3 : 0
  given.SECRET_KEY ??= keptSecret(DATA)
  const settings: unknown = given
  if (!validate(settings)) {
    const name = validate.errors![0]!.instancePath.slice(1) as keyof Config
    throw new ConfigError(name, Settings.properties[name].description!)
  }
  for (const name of ['SECRET_KEY', 'SECRET_KEY_PREVIOUS'] as const) {
    if (production && PLACEHOLDER.test(settings[name] ?? '')) {
      throw new ConfigError(name, `${Settings.properties[name].description} (this one is a placeholder)`)
    }
  }
  const names = Object.keys(Settings.properties) as Array<keyof Config>
  return Object.fromEntries(names.map((name) => [name, settings[name]])) as Config
}

function requireOwn (given: Record<string, unknown>, ...names: Array<keyof Config>): void {
  for (const name of names) {
    if (!given[name]) throw new ConfigError(name, `${Settings.properties[name].description} (no default in production)`)
  }
}

const dotenv = () => existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}

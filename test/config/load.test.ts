import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseEnv } from 'node:util'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { isRefused, names, production, SECRET_KEY, settingsAlone } from '../support/settings.js'

settingsAlone(t)

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

t.test('everything has a default but a secret, which is made and kept', async (t) => {
  const { SECRET_KEY: secret, ...others } = loadConfig({})
  t.match(secret, /^[0-9a-f]{64}$/)
  t.equal(readFileSync('.data/secret-key', 'utf8'), secret)
  t.equal(loadConfig({}).SECRET_KEY, secret)
  t.strictSame(others, {
    NODE_ENV: 'development',
    DATABASE_URL: 'pglite:.data/pglite',
    DATABASE_POOLER: 'none',
    DATABASE_PREPARE: 'on',
    DATABASE_MIGRATION_URL: undefined,
    SECRET_KEY_PREVIOUS: undefined,
    ACCESS_TOKEN_EXPIRE_MINUTES: 30,
    SESSION_IDLE_DAYS: 30,
    SESSION_MAX_DAYS: 365,
    REQUIRE_VERIFIED_EMAIL: false,
    SMTP_URL: undefined,
    MAIL_FROM: undefined,
    APP_URL: undefined,
    JWT_ISSUER: 'todo-backend',
    JWT_AUDIENCE: 'todo-backend',
    ARGON2_MEMORY_KIB: 19_456,
    ARGON2_TIME_COST: 2,
    ARGON2_PARALLELISM: 1,
    HASH_THREADS: Math.min(Math.max(1, availableParallelism() - 1), 3),
    HASH_QUEUE: 64,
    MAX_CONCURRENT_REQUESTS: 2000,
    MAX_STREAMS_PER_USER: 10,
    MAX_STREAMS: 10_000,
    CORS_ORIGINS: 'http://localhost:3000,http://localhost:3001,http://localhost:5173',
    HOST: '127.0.0.1',
    PORT: 8000,
    METRICS_PORT: undefined,
    OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
    OTEL_TRACES_SAMPLER_ARG: 1,
    OTEL_SERVICE_NAME: 'todo-backend',
    DATABASE_POOL_SIZE: 4,
    DATABASE_CONNECT_TIMEOUT: 2000,
    DATABASE_STATEMENT_TIMEOUT: 2000,
    DATABASE_MIGRATION_TIMEOUT: 60_000,
    DATABASE_QUEUE: 1000,
    CHANGES_DAYS: 90,
    IDEMPOTENCY_DAYS: 30,
    SHUTDOWN_DRAIN_SECONDS: 0,
    LOG_LEVEL: 'info',
    RATE_LIMIT: 'on',
    RATE_LIMIT_ADDRESS: 60,
    RATE_LIMIT_ACCOUNT: 10,
    RATE_LIMIT_SESSION: 30,
    RATE_LIMIT_MAILS: 3,
    RATE_LIMIT_USER: 1000,
    TRUST_PROXY: undefined,
    REDIS_URL: undefined,
    API_TITLE: 'Todo Backend API',
    API_VERSION: version
  })
})

t.test('an empty value is no value', async (t) => {
  for (const empty of ['', '  ', '\t']) {
    t.strictSame(loadConfig(Object.fromEntries(names.map((name) => [name, empty]))), loadConfig({}))
  }
})

t.test('production listens to everybody, and wants a database and a secret of its own', async (t) => {
  t.match(loadConfig(production), { ...production, HOST: '0.0.0.0', SHUTDOWN_DRAIN_SECONDS: 3 })
  t.match(loadConfig({ ...production, HOST: '10.0.0.1' }), { HOST: '10.0.0.1' })
  for (const nothing of [undefined, '', ' ']) {
    isRefused(t, { ...production, DATABASE_URL: nothing }, 'DATABASE_URL', /no default in production/)
    isRefused(t, { ...production, SECRET_KEY: nothing }, 'SECRET_KEY', /openssl rand -hex 32.*no default in production/)
  }
  isRefused(t, { ...production, SECRET_KEY: SECRET_KEY.slice(1) }, 'SECRET_KEY', /openssl rand -hex 32/)
})

t.test('production refuses a placeholder for a secret', async (t) => {
  const placeholders = [
    'change-me-change-me-please-change-me', 'Replace this by something of your own', 'PLACEHOLDER-0123456789-0123456789',
    'an-example-of-a-key-that-is-long-enough', 'your-256-bit-key-goes-here-now-please', 'your_key_goes_here_0123456789abcdef',
    'my-super-secret-key-0123456789-abcd', 'password-password-password-1234567', 'the default key of this application',
    'a'.repeat(32), 'abcd'.repeat(8), '12345678'.repeat(4), '0'.repeat(64)
  ]
  for (const placeholder of placeholders) {
    isRefused(t, { ...production, SECRET_KEY: placeholder }, 'SECRET_KEY', /openssl rand -hex 32.*placeholder/)
    isRefused(t, { ...production, SECRET_KEY_PREVIOUS: placeholder }, 'SECRET_KEY_PREVIOUS', /placeholder/)
    t.equal(loadConfig({ SECRET_KEY: placeholder }).SECRET_KEY, placeholder, 'which elsewhere is good enough')
  }
  t.equal(loadConfig({ ...production, SECRET_KEY: '4f6a1c0e9b8d7352e1f0a6b4c8d92735' }).SECRET_KEY, '4f6a1c0e9b8d7352e1f0a6b4c8d92735')
})

t.test('settings come from .env too, and the environment wins', async (t) => {
  const back = process.cwd()
  process.chdir(t.testdir({ '.env': `# A comment\nPORT=9000\nAPI_TITLE="From .env"\nHOST=\nSECRET_KEY=${SECRET_KEY}\n` }))
  process.env.PORT = '9001'
  t.teardown(() => {
    delete process.env.PORT
    process.chdir(back)
  })
  t.match(loadConfig(), { PORT: 9001, API_TITLE: 'From .env', HOST: '127.0.0.1', SECRET_KEY })
  delete process.env.PORT
  t.match(loadConfig(), { PORT: 9000 })
  process.chdir(back)
  t.match(loadConfig(), { PORT: 8000, API_TITLE: 'Todo Backend API' }, 'without one it does as well')
})

t.test('.env.example shows every setting with its default, and nothing else', async (t) => {
  const example = parseEnv(readFileSync(new URL('../../.env.example', import.meta.url), 'utf8'))
  t.strictSame(Object.keys(example).sort(), [...names].sort())
  t.strictSame(loadConfig(example), loadConfig({}))
})

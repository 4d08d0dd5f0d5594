import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { type Config } from '../../src/config/settings.js'
import { isRefused, names, SECRET_KEY, settingsAlone } from '../support/settings.js'

settingsAlone(t)

t.test('what is set is taken, as what it is, and nothing else comes along', async (t) => {
  const good: Array<[name: keyof Config, text: string, value?: unknown]> = [
    ['NODE_ENV', 'test'],
    ['NODE_ENV', 'development\n', 'development'],
    ['DATABASE_URL', 'postgres://db.example/todo'],
    ['DATABASE_URL', 'postgresql://ada:p%40ss@[::1]:5433/todo?sslmode=require'],
    ['DATABASE_URL', 'POSTGRES://db.example,%2Frun/todo?schema=public'],
    ['DATABASE_URL', ' postgres://db.example/todo\r\n', 'postgres://db.example/todo'],
    ['DATABASE_URL', 'pglite:memory'],
    ['DATABASE_URL', 'pglite:/var/lib/todo data'],
    ['SECRET_KEY', SECRET_KEY],
    ['SECRET_KEY', '🔑'.repeat(32)],
    ['SECRET_KEY', `${SECRET_KEY}\n`],
    ['SECRET_KEY_PREVIOUS', SECRET_KEY],
    ['ACCESS_TOKEN_EXPIRE_MINUTES', '1', 1],
    ['ACCESS_TOKEN_EXPIRE_MINUTES', '525600', 525_600],
    ['JWT_ISSUER', 'https://id.example'],
    ['JWT_AUDIENCE', '42'],
    ['ARGON2_MEMORY_KIB', '8', 8],
    ['ARGON2_TIME_COST', '100', 100],
    ['ARGON2_PARALLELISM', '16', 16],
    ['HASH_THREADS', '3', 3],
    ['HASH_QUEUE', '0', 0],
    ['MAX_CONCURRENT_REQUESTS', '1', 1],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://app.example.com'],
    ['CORS_ORIGINS', 'http://[::1]:3000 , https://app.example.com'],
    ['CORS_ORIGINS', 'capacitor://localhost,ionic://localhost,http://localhost,tauri://localhost'],
    ['CORS_ORIGINS', 'chrome-extension://abcdefghijklmnopabcdefghijklmnop,moz-extension://0f3f0f3f-0000-4000-8000-00000000ffff'],
    ['CORS_ORIGINS', 'https://xn--bcher-kva.example:8443,http://192.0.2.1'],
    ['HOST', '::'],
    ['PORT', '0', 0],
    ['PORT', '65535', 65_535],
    ['METRICS_PORT', '0', 0],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'https://collector.example:4318/otlp'],
    ['OTEL_TRACES_SAMPLER_ARG', '0.1', 0.1],
    ['OTEL_SERVICE_NAME', 'tasks'],
    ['DATABASE_POOL_SIZE', '100', 100],
    ['DATABASE_CONNECT_TIMEOUT', '100', 100],
    ['DATABASE_STATEMENT_TIMEOUT', '60000', 60_000],
    ['DATABASE_MIGRATION_TIMEOUT', '3600000', 3_600_000],
    ['DATABASE_QUEUE', '1', 1],
    ['CHANGES_DAYS', '36500', 36_500],
    ['IDEMPOTENCY_DAYS', '1', 1],
    ...['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => ['LOG_LEVEL', level] as ['LOG_LEVEL', string]),
    ['SHUTDOWN_DRAIN_SECONDS', '60', 60],
    ['RATE_LIMIT', 'on'],
    ['RATE_LIMIT', 'off'],
    ['RATE_LIMIT_ADDRESS', '1', 1],
    ['RATE_LIMIT_ACCOUNT', '1000000', 1_000_000],
    ['RATE_LIMIT_USER', '1', 1],
    ...['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', 'loopback', 'linklocal,uniquelocal , 192.0.2.7/32,::ffff:1.2.3.4/128']
      .map((proxies) => ['TRUST_PROXY', proxies] as ['TRUST_PROXY', string]),
    ['REDIS_URL', 'redis://127.0.0.1:6379/1'],
    ['DATABASE_POOLER', 'transaction'],
    ['DATABASE_PREPARE', 'off'],
    ['DATABASE_MIGRATION_URL', 'postgres://owner@db.example/todo?sslmode=require'],
    ['REDIS_URL', 'rediss://todo:p%40ss@cache.example'],
    ['API_TITLE', 'Aufgaben'],
    ['API_VERSION', '2026-01']
  ]
  for (const [name, text, value = text] of good) {
    const config = loadConfig({ SECRET_KEY, PATH: '/bin', [name]: text })
    t.strictSame(config[name], value, `${name}=${text}`)
    t.strictSame(Object.keys(config), names)
  }
})

t.test('a bad value stops the start with one line', async (t) => {
  const bad: Partial<Record<keyof Config, string[]>> = {
    NODE_ENV: ['prod', 'Production', 'staging', 'production,test'],
    DATABASE_URL: [
      'mysql://ada:hunter2@db.example/todo', 'postgres:', 'postgres://', 'pglite:', 'pglite', '.data', 'xpostgres://db.example/todo',
      // Passwords that nobody encoded: what a URL parser throws would quote them.
      'postgres://db.example/todo?colour=hunter2', 'postgres://db.example/todo?channel_binding=require', 'PGLITE:memory',
      'postgres://ada:hunter2@db.example:port/todo', 'postgres://ada:hunter2/@db.example/todo', 'postgres://ada:hunter2%@db.example/todo'
    ],
    SECRET_KEY: ['short', SECRET_KEY.slice(1), '🔑'.repeat(31)],
    SECRET_KEY_PREVIOUS: ['short', SECRET_KEY.slice(1)],
    ACCESS_TOKEN_EXPIRE_MINUTES: ['0', '-1', '1.5', '525601', 'half an hour'],
    ARGON2_MEMORY_KIB: ['7', '4194305', '64M'],
    ARGON2_TIME_COST: ['0', '101'],
    ARGON2_PARALLELISM: ['0', '17'],
    HASH_THREADS: ['0', '4', 'all'],
    HASH_QUEUE: ['-1', '10001'],
    MAX_CONCURRENT_REQUESTS: ['0', '100001'],
    CORS_ORIGINS: [
      'https://app.example.com:443', 'http://localhost:80', 'https://app.example.com:08443', 'http://[0::1]:3000', 'http://127.1', 'http://bücher.example',
      'https://app.example.com:99999', 'capacitor://localhost/', 'capacitor:localhost', 'file:///', 'ws://localhost', 'javascript://x', 'blob:https://a.example',
      'app.example.com', 'https://app.example.com/', 'https://App.example.com', 'ftp://app.example.com', 'https://', 'null',
      '*,https://app.example.com', 'https://app.example.com,', 'https://a.example.com https://b.example.com', 'https://*.example.com'
    ],
    PORT: ['-1', '65536', '80.5', 'http', '80,81'],
    METRICS_PORT: ['-1', '65536', 'on', '8000'],
    OTEL_EXPORTER_OTLP_ENDPOINT: ['localhost:4318', 'grpc://collector.example', 'http://'],
    OTEL_TRACES_SAMPLER_ARG: ['-0.1', '1.1', '10%'],
    DATABASE_POOLER: ['session', 'on', 'PgBouncer'],
    DATABASE_PREPARE: ['true', 'never'],
    DATABASE_MIGRATION_URL: ['pglite:memory', 'postgres://', 'postgres://ada:hunter2@db.example:port/todo'],
    DATABASE_POOL_SIZE: ['0', '101', 'many'],
    DATABASE_CONNECT_TIMEOUT: ['99', '60001', '2s'],
    DATABASE_STATEMENT_TIMEOUT: ['99', '60001', '2s'],
    DATABASE_MIGRATION_TIMEOUT: ['99', '3600001', '1.5'],
    DATABASE_QUEUE: ['0', '100001', '1.5'],
    CHANGES_DAYS: ['0', '36501', '0.5'],
    IDEMPOTENCY_DAYS: ['0', '36501', 'always'],
    SHUTDOWN_DRAIN_SECONDS: ['-1', '61', '0.5'],
    LOG_LEVEL: ['verbose', 'INFO', '30'],
    RATE_LIMIT: ['true', 'ON', '1'],
    RATE_LIMIT_ADDRESS: ['0', '1000001', 'many'],
    RATE_LIMIT_ACCOUNT: ['0', '-1'],
    RATE_LIMIT_USER: ['0', '1.5'],
    TRUST_PROXY: [
      'true', '1', '*', 'proxy.example', '10.0.0.1,', '10.0.0.1 10.0.0.2', '10.0.0', '10.0.0.0/0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8',
      '10.0.0.0/x', '::/129', 'loopback/8', '10.0.0.1:80'
    ],
    SESSION_IDLE_DAYS: ['0', '36501', '0.5'],
    SESSION_MAX_DAYS: ['0', '36501', 'never'],
    REQUIRE_VERIFIED_EMAIL: ['yes', 'TRUE', '2'],
    SMTP_URL: ['mail.example', 'http://mail.example', 'smtp://', 'smtp://ada:hunter2@mail.example:port', 'smtp:mail.example'],
    MAIL_FROM: ['ada', 'ada@', 'ada@a.example,eve@a.example', 'Ada <ada@a.example>', 'ada@a.example eve@a.example'],
    APP_URL: ['app.example', 'ftp://app.example', 'https://', 'https://app.example/#/'],
    RATE_LIMIT_SESSION: ['0', '1000001'],
    RATE_LIMIT_MAILS: ['0', 'none'],
    REDIS_URL: ['cache.example:6379', 'http://cache.example', 'redis://', 'redis://ada:hunter2@cache.example:port']
  }
  for (const [name, values] of Object.entries(bad)) {
    for (const value of values) isRefused(t, { [name]: value }, name as keyof Config)
  }
  const mail = { SMTP_URL: 'smtps://ada:hunter2@mail.example', MAIL_FROM: 'todo@example.com', APP_URL: 'https://app.example.com/todo?x=1' }
  t.match(loadConfig({ SECRET_KEY, ...mail, REQUIRE_VERIFIED_EMAIL: 'true' }), { ...mail, REQUIRE_VERIFIED_EMAIL: true })
  isRefused(t, { ...mail, MAIL_FROM: '' }, 'MAIL_FROM', /\(needed with SMTP_URL\)$/)
  isRefused(t, { ...mail, APP_URL: '' }, 'APP_URL', /\(needed with SMTP_URL\)$/)
  const production = { NODE_ENV: 'production', DATABASE_URL: 'postgres://db.example/todo', SECRET_KEY: 'f3b1c9d27e6a4085b9d8f3b1c9d27e6a' }
  isRefused(t, { ...production, REQUIRE_VERIFIED_EMAIL: 'true' }, 'SMTP_URL', /\(REQUIRE_VERIFIED_EMAIL needs mails\)$/)
  isRefused(t, { SECRET_KEY: 'short' }, 'SECRET_KEY', /openssl rand -hex 32/)
  isRefused(t, { DATABASE_URL: 'postgres://db.example/todo?colour=red' }, 'DATABASE_URL', /\(its parameter "colour" is not known here\)$/)
  const withOptions = 'postgres://db.example/todo?options=-c%20work_mem%3D1MB'
  isRefused(t, { DATABASE_URL: withOptions, DATABASE_POOLER: 'transaction' }, 'DATABASE_URL', /\(its "options" do not get through a pooler\)$/)
  isRefused(t, { DATABASE_URL: `${withOptions}&pgbouncer=true` }, 'DATABASE_URL', /do not get through a pooler/)
  t.match(loadConfig({ SECRET_KEY, DATABASE_URL: withOptions }), { DATABASE_URL: withOptions })
  // Argon2 wants so much of each lane: every signup would fail.
  isRefused(t, { ARGON2_MEMORY_KIB: '31', ARGON2_PARALLELISM: '4' }, 'ARGON2_MEMORY_KIB', /\(32 or more for 4 lanes\)$/)
  t.match(loadConfig({ SECRET_KEY, ARGON2_MEMORY_KIB: '32', ARGON2_PARALLELISM: '4' }), { ARGON2_MEMORY_KIB: 32 })
})

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Type, type Static } from '@sinclair/typebox'
import { root } from '../root.js'
import { databaseSettings } from './database-settings.js'
import { DATA, days, oneOf, perMinute } from './setting-kinds.js'

const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }

/**
 * Hashes are computed in libuv's thread pool, which file system and name look-ups need as well: one thread is left to them.
 * (libuv documentation, "Thread pool work scheduling")
 */
const MAX_HASH_THREADS = Math.max(1, (Number(process.env.UV_THREADPOOL_SIZE) || 4) - 1)

/**
 * Every setting: name, rule, default. A description is the second half of the line that a bad setting prints. `npm run settings`
 * writes the table in README.md from here: `x-note` stands behind the description, `x-default` in place of a default that is not
 * the same everywhere.
 */
export const Settings = Type.Object({
  NODE_ENV: oneOf(['development', 'production', 'test'], 'development',
    '`production` wants `DATABASE_URL` and a `SECRET_KEY` that is no placeholder'),
  ...databaseSettings,
  SECRET_KEY: Type.String({
    default: '',
    minLength: 32,
    description: 'at least 32 random characters; make one with: openssl rand -hex 32',
    'x-default': `made once, kept in \`${DATA}/secret-key\``,
    'x-note': `\`${DATA}\` is closed to other users of the machine`
  }),
  SECRET_KEY_PREVIOUS: Type.Optional(Type.String({
    minLength: 32,
    description: 'the SECRET_KEY before this one, at least 32 characters, while tokens signed with it are about',
    'x-note': 'it verifies and signs nothing, so that a new key logs nobody out'
  })),
  ACCESS_TOKEN_EXPIRE_MINUTES: Type.Integer({
    default: 30, minimum: 1, maximum: 525_600, description: 'a whole number of minutes, 1 to 525600, of which more than 1440 count as 1440', 'x-note': 'the life of a token'
  }),
  SESSION_IDLE_DAYS: days(30, 'a session lives without being renewed'),
  SESSION_MAX_DAYS: days(365, 'a session lives in any case'),
  REQUIRE_VERIFIED_EMAIL: Type.Boolean({
    default: false, description: 'true or false: whether a login needs an email that has been confirmed, which needs mails'
  }),
  SMTP_URL: Type.Optional(Type.String({
    format: 'smtp',
    description: 'smtp://user:password@host:587, or smtps:// for TLS from the beginning',
    'x-note': 'without it a development server prints mails in the terminal, and in production what needs a mail is 503'
  })),
  MAIL_FROM: Type.Optional(Type.String({
    format: 'address', description: 'the sender of mails, like todo@example.com', 'x-note': 'needed with `SMTP_URL`'
  })),
  APP_URL: Type.Optional(Type.String({
    format: 'web',
    description: 'where the front end is, like https://app.example.com/, without a fragment: links in mails lead there',
    'x-note': 'needed with `SMTP_URL`'
  })),
  JWT_ISSUER: Type.String({ default: 'todo-backend', description: 'the "iss" of the tokens, a text' }),
  JWT_AUDIENCE: Type.String({ default: 'todo-backend', description: 'the "aud" of the tokens, a text' }),
  ARGON2_MEMORY_KIB: Type.Integer({
    default: 19_456,
    minimum: 8,
    maximum: 4_194_304,
    description: 'memory of one password hash in KiB, 8 to 4194304 and at least 8 for each lane of ARGON2_PARALLELISM',
    'x-note': 'the next login upgrades a hash that was made at another cost'
  }),
  ARGON2_TIME_COST: Type.Integer({ default: 2, minimum: 1, maximum: 100, description: 'passes of one password hash, 1 to 100' }),
  ARGON2_PARALLELISM: Type.Integer({ default: 1, minimum: 1, maximum: 16, description: 'lanes of one password hash, 1 to 16' }),
  HASH_THREADS: Type.Integer({
    default: Math.min(Math.max(1, availableParallelism() - 1), MAX_HASH_THREADS),
    minimum: 1,
    maximum: MAX_HASH_THREADS,
    description: `threads that hash passwords, 1 to ${MAX_HASH_THREADS} (one less than UV_THREADPOOL_SIZE)`,
    'x-default': 'processors − 1, at most 3'
  }),
  HASH_QUEUE: Type.Integer({
    default: 64,
    minimum: 0,
    maximum: 10_000,
    description: 'passwords that may wait to be hashed, 0 to 10000',
    'x-note': 'signups and logins beyond that are 503 at once'
  }),
  MAX_CONCURRENT_REQUESTS: Type.Integer({
    default: 2000, minimum: 1, maximum: 100_000, description: 'requests of the API at a time, 1 to 100000', 'x-note': 'more are 503 at once'
  }),
  MAX_STREAMS_PER_USER: Type.Integer({
    default: 10, minimum: 1, maximum: 10_000, description: 'streams of events of a user in this process, 1 to 10000', 'x-note': 'more are 429'
  }),
  MAX_STREAMS: Type.Integer({
    default: 10_000, minimum: 1, maximum: 1_000_000, description: 'streams of events in this process, 1 to 1000000', 'x-note': 'more are 503'
  }),
  CORS_ORIGINS: Type.String({
    default: 'http://localhost:3000,http://localhost:3001,http://localhost:5173',
    format: 'origins',
    description: 'exact origins as a browser sends them, like https://app.example.com or capacitor://localhost (lower case, no path, no default port), ' +
      'with commas between, or *'
  }),
  HOST: Type.String({ default: '', description: 'the address to listen on', 'x-default': '127.0.0.1, in production 0.0.0.0' }),
  PORT: Type.Integer({ default: 8000, minimum: 0, maximum: 65_535, description: 'a port number, 0 to 65535' }),
  METRICS_PORT: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: 65_535,
    description: 'a port number of its own for metrics, 0 to 65535',
    'x-note': '[Prometheus](docs/operations.md#metrics) reads `/metrics` there; without it there are none'
  })),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(Type.String({
    format: 'web',
    description: 'the base URL of an OpenTelemetry collector that takes OTLP over HTTP, like http://localhost:4318',
    'x-note': '[traces](docs/operations.md#traces) go to `/v1/traces` there; without it there are none'
  })),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({ default: 1, minimum: 0, maximum: 1, description: 'the part of the traces that is recorded, 0 to 1' }),
  OTEL_SERVICE_NAME: Type.String({ default: 'todo-backend', description: 'the name of this service in the traces, a text' }),
  CHANGES_DAYS: days(90, 'a change of a task is remembered', 'after the next one; the newest of each user is for ever'),
  IDEMPOTENCY_DAYS: days(30, 'an Idempotency-Key is remembered'),
  SHUTDOWN_DRAIN_SECONDS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 60,
    description: 'seconds from the signal to stop until nobody is let in any more, 0 to 60',
    'x-default': '0, in production 3'
  }),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  RATE_LIMIT: oneOf(['on', 'off'], 'on', '`off` for load tests'),
  RATE_LIMIT_ADDRESS: perMinute(60, 'signups and logins of an address', 'an IPv6 address stands for its /64, and its /48 has ten times as many'),
  RATE_LIMIT_ACCOUNT: perMinute(10, 'signups and logins of an account from one address'),
  RATE_LIMIT_SESSION: perMinute(30, 'renewals of a session'),
  RATE_LIMIT_MAILS: Type.Integer({
    default: 3, minimum: 1, maximum: 1_000_000, description: 'mails to an address that somebody asks for in an hour, 1 to 1000000'
  }),
  RATE_LIMIT_USER: perMinute(1000, 'other requests of a user'),
  TRUST_PROXY: Type.Optional(Type.String({
    format: 'proxies',
    description: 'addresses, networks like 10.0.0.0/8, or loopback, linklocal, uniquelocal, with commas between',
    'x-note': 'the proxies whose `X-Forwarded-For` counts, or `Forwarded` where that is absent, without ports and brackets'
  })),
  REDIS_URL: Type.Optional(Type.String({
    format: 'redis',
    description: 'redis://user:password@host:6379, or rediss:// for TLS',
    'x-note': 'several processes share the limits, and tell each other at once who has changed tasks; without it, or while it is away, each counts for itself ' +
      'and asks once a second'
  })),
  API_TITLE: Type.String({ default: 'Todo Backend API', description: 'the name in the documents, a text' }),
  API_VERSION: Type.String({ default: version, description: 'the version in the documents, a text', 'x-default': "the package's version" })
})
export type Config = Static<typeof Settings>

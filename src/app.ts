import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { DestinationStream } from 'pino'
import { settingError } from './config/errors.js'
import type { Config } from './config/settings.js'
import type { Database } from './db/database.js'
import { clientErrorHandler, frameworkErrors } from './http/early-errors.js'
import { genReqId } from './http/request-id.js'
import { measured } from './metrics/measured.js'
import { NO_METERS, type Meters } from './metrics/meters.js'
import type { Metrics } from './metrics/prometheus.js'
import { requestLog } from './log/request-log.js'
import { endings } from './accounts/endings.js'
import { links } from './accounts/links.js'
import { mailer } from './accounts/mailer.js'
import { mailsOf, type Mail } from './accounts/mails.js'
import { passwords } from './accounts/passwords.js'
import { authPlugin } from './plugins/auth.js'
import { databasePlugin } from './plugins/database.js'
import { docsPlugin } from './plugins/docs.js'
import { errorsPlugin } from './plugins/errors.js'
import { admissionPlugin, placesPlugin } from './plugins/admission.js'
import { livePlugin } from './plugins/live.js'
import { metricsPlugin } from './plugins/metrics.js'
import { tracesPlugin } from './plugins/traces.js'
import { openapiPlugin } from './plugins/openapi.js'
import { rateLimitsPlugin, type LimitsOptions } from './plugins/rate-limits.js'
import { requestsPlugin } from './plugins/requests.js'
import { securityPlugin } from './plugins/security.js'
import { serializationPlugin } from './plugins/serialization.js'
import { shutdownPlugin } from './plugins/shutdown.js'
import { turnsPlugin } from './plugins/turns.js'
import { validationPlugin } from './plugins/validation.js'
import { endingsIn } from './repositories/endings.js'
import { changesOf, othersThan } from './repositories/owned-changes.js'
import { authRoutes } from './routes/auth/index.js'
import { statusRoutes } from './routes/status.js'
import { tasksMounts } from './routes/tasks/index.js'
import { hub } from './sync/hub.js'
import { traced, type Traces } from './traces/traces.js'

/** Bytes of a body at most. */
const BODY_LIMIT = 64 * 1024

/** What the surrounding process provides. */
export interface Outside {
  /** Where the log goes; to standard output, a line at a time, when absent. */
  output?: DestinationStream
  /** Prints a mail when a development server has no mail server. */
  print?: (mail: Mail) => void
  /** The clock of the sessions, of the links in mails and of the streams: milliseconds since 1970. */
  now?: () => number
  /** What counts all that happens; nothing is counted when absent. */
  metrics?: Metrics | undefined
  /** What records spans; there are none when absent. */
  traces?: Traces | undefined
}

/**
 * Builds the application, in reading order; nothing listens and the database is not started.
 * @param config from loadConfig
 * @param given the database, from connect; it is closed with the application. The application's own is `app.db`
 * @throws ConfigError for hash settings that this machine cannot serve
 */
export async function buildApp (config: Config, given: Database, outside: Outside = {}): Promise<FastifyInstance> {
  const { output, print, now = Date.now, metrics, traces } = outside
  const meters = metrics?.meters ?? NO_METERS
  const counted = metrics ? measured(given, meters) : given
  const database = traces ? traced(counted, traces) : counted
  const { API_TITLE: title, API_VERSION: version } = config
  const app = Fastify({
    logger: { level: config.LOG_LEVEL, ...(output && { stream: output }) },
    logController: requestLog,
    genReqId,
    trustProxy: config.TRUST_PROXY ?? false,
    bodyLimit: BODY_LIMIT,
    // No time limit: on a machine that is busy or small, reading a driver may take longer, and no plugin waits for anything else.
    pluginTimeout: 0,
    // Milliseconds: for a whole request, for its headers, between two looks at both; and between two requests of a connection,
    // which is longer than the minute that balancers wait before they let go of it themselves.
    requestTimeout: 15_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5000, requireHostHeader: false },
    keepAliveTimeout: 65_000,
    // On shutdown, requests on open connections are served.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // However long an id is, it is malformed, not unknown. Node bounds the whole URL.
    routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER },
    clientErrorHandler,
    frameworkErrors
  }).withTypeProvider<TypeBoxTypeProvider>()

  const most = limitsOfQueues(config)
  await app.register(turnsPlugin)
  if (metrics) await app.register(metricsPlugin, { metrics, most })
  if (traces) await app.register(tracesPlugin, { traces })
  await app.register(placesPlugin, most)
  await app.register(requestsPlugin)
  await app.register(shutdownPlugin)
  await app.register(errorsPlugin, { onShed: meters.shed })
  await app.register(securityPlugin, { origins: config.CORS_ORIGINS })
  await app.register(validationPlugin)
  await app.register(serializationPlugin)
  await app.register(databasePlugin, { database })
  const ended = endings(endingsIn(database), config.DATABASE_STATEMENT_TIMEOUT)
  await app.register(authPlugin, {
    secret: config.SECRET_KEY,
    previousSecret: config.SECRET_KEY_PREVIOUS,
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    life: accessLife(config, app.log),
    endings: ended
  })
  await app.register(livePlugin, {
    redisUrl: config.REDIS_URL,
    hub: hub({
      changesOf: (owner) => changesOf(database, owner),
      othersThan: async (known) => othersThan(database, known),
      hasEnded: ended.has,
      isDraining: app.isDraining,
      most: { perUser: config.MAX_STREAMS_PER_USER, all: config.MAX_STREAMS },
      now,
      log: app.log,
      onTold: meters.told
    })
  })
  await app.register(openapiPlugin, { title, version })

  await app.register(async (api) => {
    await api.register(admissionPlugin)
    await api.register(rateLimitsPlugin, limitsOf(config, meters))
    await api.register(authRoutes, {
      prefix: '/auth',
      passwords: await hashing(config),
      links: links(config.APP_URL ?? LOCAL_APP, secretsOf(config), now),
      mails: mailsOf(title),
      send: mailing(config, api, print, meters),
      requireVerifiedEmail: config.REQUIRE_VERIFIED_EMAIL,
      sessions: {
        idleDays: config.SESSION_IDLE_DAYS, maxDays: config.SESSION_MAX_DAYS, secrets: secretsOf(config), endings: ended, now
      }
    })
    await api.register(tasksMounts)
  }, { prefix: '/api' })
  await app.register(statusRoutes, { title, version })
  await app.register(docsPlugin, { title })

  return app
}

/** The rate limits, and where requests are counted. */
const limitsOf = (config: Config, meters: Meters): LimitsOptions => ({
  most: config.RATE_LIMIT === 'off'
    ? null
    : {
        address: config.RATE_LIMIT_ADDRESS,
        account: config.RATE_LIMIT_ACCOUNT,
        session: config.RATE_LIMIT_SESSION,
        user: config.RATE_LIMIT_USER,
        mails: config.RATE_LIMIT_MAILS
      },
  redisUrl: config.REDIS_URL,
  isBehindProxy: config.TRUST_PROXY !== undefined,
  onRefusal: meters.refused
})

/** How many of what there may be at a time. */
const limitsOfQueues = (config: Config) => ({
  requests: config.MAX_CONCURRENT_REQUESTS,
  passwords: config.HASH_THREADS + config.HASH_QUEUE,
  streams: config.MAX_STREAMS,
  statements: config.DATABASE_QUEUE
})

/** @throws ConfigError when no hash can be computed with these settings on this machine */
async function hashing (config: Config) {
  const { ARGON2_MEMORY_KIB: memoryCost, ARGON2_TIME_COST: timeCost, ARGON2_PARALLELISM: parallelism } = config
  const hashes = passwords({ memoryCost, timeCost, parallelism }, config.HASH_THREADS)
  await hashes.check().catch(({ message }: Error) => { throw settingError('ARGON2_MEMORY_KIB', message) })
  return hashes
}

/** The front end that a developer has beside the server. */
const LOCAL_APP = 'http://localhost:5173/'

/** Minutes that an access token lives at most: endings of sessions are remembered a little longer. */
const MAX_ACCESS_MINUTES = 1440

/** @returns the life of an access token, in seconds */
function accessLife ({ ACCESS_TOKEN_EXPIRE_MINUTES: minutes }: Config, log: FastifyBaseLogger): number {
  if (minutes > MAX_ACCESS_MINUTES) log.warn({ minutes: MAX_ACCESS_MINUTES }, 'ACCESS_TOKEN_EXPIRE_MINUTES is more than a day, and counts as one')
  return Math.min(minutes, MAX_ACCESS_MINUTES) * 60
}

const secretsOf = ({ SECRET_KEY: present, SECRET_KEY_PREVIOUS: previous }: Config): string[] =>
  previous === undefined ? [present] : [present, previous]

/** @returns what sends a mail; null where nobody could read one */
function mailing (config: Config, app: FastifyInstance, print: Outside['print'], meters: Meters): ((mail: Mail) => void) | null {
  if (config.SMTP_URL === undefined && config.NODE_ENV === 'production') return null
  const { send, close } = mailer({ smtpUrl: config.SMTP_URL, from: config.MAIL_FROM, print, log: app.log, onEnd: meters.mailed })
  app.addHook('onClose', close)
  return send
}

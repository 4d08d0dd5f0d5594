import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import type { DestinationStream } from 'pino'
import { settingError } from './config/errors.js'
import type { Config } from './config/settings.js'
import type { Database } from './db/database.js'
import { clientErrorHandler, frameworkErrors } from './http/early-errors.js'
import { genReqId } from './http/request-id.js'
import { requestLog } from './log/request-log.js'
import { passwords } from './accounts/passwords.js'
import { authPlugin } from './plugins/auth.js'
import { databasePlugin } from './plugins/database.js'
import { docsPlugin } from './plugins/docs.js'
import { errorsPlugin } from './plugins/errors.js'
import { admissionPlugin, placesPlugin } from './plugins/admission.js'
import { openapiPlugin } from './plugins/openapi.js'
import { rateLimitsPlugin, type LimitsOptions } from './plugins/rate-limits.js'
import { requestsPlugin } from './plugins/requests.js'
import { securityPlugin } from './plugins/security.js'
import { serializationPlugin } from './plugins/serialization.js'
import { shutdownPlugin } from './plugins/shutdown.js'
import { turnsPlugin } from './plugins/turns.js'
import { validationPlugin } from './plugins/validation.js'
import { authRoutes } from './routes/auth.js'
import { statusRoutes } from './routes/status.js'
import { tasksMounts } from './routes/tasks/index.js'

/** Bytes of a body at most. */
const BODY_LIMIT = 64 * 1024

/**
 * Builds the application, in reading order; nothing listens and the database is not started.
 * @param config from loadConfig
 * @param database from connect; it is closed with the application
 * @param output of the log; standard output, a line at a time, when absent
 * @throws ConfigError for hash settings that this machine cannot serve
 */
export async function buildApp (config: Config, database: Database, output?: DestinationStream): Promise<FastifyInstance> {
  const { API_TITLE: title, API_VERSION: version } = config
  const app = Fastify({
    logger: { level: config.LOG_LEVEL, ...(output && { stream: output }) },
    logController: requestLog,
    genReqId,
    trustProxy: config.TRUST_PROXY ?? false,
    bodyLimit: BODY_LIMIT,
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

  await app.register(turnsPlugin)
  await app.register(placesPlugin, { requests: config.MAX_CONCURRENT_REQUESTS, hashes: config.HASH_THREADS + config.HASH_QUEUE })
  await app.register(requestsPlugin)
  await app.register(shutdownPlugin)
  await app.register(errorsPlugin)
  await app.register(securityPlugin, { origins: config.CORS_ORIGINS })
  await app.register(validationPlugin)
  await app.register(serializationPlugin)
  await app.register(databasePlugin, { database })
  await app.register(authPlugin, {
    secret: config.SECRET_KEY,
    previousSecret: config.SECRET_KEY_PREVIOUS,
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    life: config.ACCESS_TOKEN_EXPIRE_MINUTES * 60
  })
  await app.register(openapiPlugin, { title, version })

  await app.register(async (api) => {
    await api.register(admissionPlugin)
    await api.register(rateLimitsPlugin, limitsOf(config))
    await api.register(authRoutes, {
      prefix: '/auth',
      passwords: await hashing(config)
    })
    await api.register(tasksMounts)
  }, { prefix: '/api' })
  await app.register(statusRoutes, { title, version })
  await app.register(docsPlugin, { title })

  return app
}

/** The rate limits, and where requests are counted. */
const limitsOf = (config: Config): LimitsOptions => ({
  perMinute: config.RATE_LIMIT === 'off'
    ? null
    : { address: config.RATE_LIMIT_ADDRESS, account: config.RATE_LIMIT_ACCOUNT, user: config.RATE_LIMIT_USER },
  redisUrl: config.REDIS_URL,
  isBehindProxy: config.TRUST_PROXY !== undefined
})

/** @throws ConfigError when no hash can be computed with these settings on this machine */
async function hashing (config: Config) {
  const { ARGON2_MEMORY_KIB: memoryCost, ARGON2_TIME_COST: timeCost, ARGON2_PARALLELISM: parallelism } = config
  const hashes = passwords({ memoryCost, timeCost, parallelism }, config.HASH_THREADS)
  await hashes.check().catch(({ message }: Error) => { throw settingError('ARGON2_MEMORY_KIB', message) })
  return hashes
}

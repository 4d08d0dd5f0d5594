import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible'
import { ApiError } from '../errors/api-error.js'
import { addressOf, networkOf } from '../http/addresses.js'
import { normalizedEmail } from '../http/emails.js'
import { forwardedFor } from '../http/forwarded.js'
import { connectRedis } from './redis.js'

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

declare module 'fastify' {
  interface FastifyInstance {
    /** Hooks that count a request and answer 429 above the limit; each list is empty when limits are off. */
    limits: {
      /** By address, before the user is known. */
      address: Hook[]
      /** When the body has been parsed: per account and address, so that nobody can lock out the owner at another address. */
      account: Hook[]
      /** By user, when the token has been verified. */
      user: Hook[]
    }
  }
}

/** Seconds in which a limit counts, beginning with the first request. */
const WINDOW = 60

/** Milliseconds between two lines of the log about one limit. */
const REFUSAL_LOG_INTERVAL = 10_000

/** The limit of an IPv6 /48, as a multiple of the limit of each /64 in it. */
const PER_NETWORK = 10

/** The limits, and where requests are counted. */
export interface LimitsOptions {
  /** Requests in a minute: signups and logins of an address and of an account, all others of a user; null for no limits. */
  perMinute: { address: number, account: number, user: number } | null
  /** The Redis in which several processes count together; each counts for itself when undefined. */
  redisUrl: string | undefined
  /** Whether proxies are trusted to tell the address. */
  isBehindProxy: boolean
}

/** Limits signups and logins by address and account, everything else by user. */
export const rateLimitsPlugin = fp<LimitsOptions>(async (app, { perMinute, redisUrl, isBehindProxy }) => {
  app.decorate('limits', { address: [], account: [], user: [] })
  if (!perMinute) return
  const redis = redisUrl === undefined ? null : await connectRedis(app, redisUrl)

  /** @param keyOf who is counted, or null for nobody */
  function limit (name: string, max: number, keyOf: (request: FastifyRequest) => string | null): Hook {
    const options = { keyPrefix: `todo-backend:${name}`, points: max, duration: WINDOW }
    const here = new RateLimiterMemory(options)
    // While Redis is away, each process counts for itself.
    const limiter = redis === null
      ? here
      : new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true, insuranceLimiter: here })
    let refused = 0
    let nextLine = 0
    const policy = `"${name}";q=${max};w=${WINDOW}`

    return async (request, reply) => {
      const key = keyOf(request)
      if (key === null) return
      const count = await limiter.consume(key).catch((refusal: RateLimiterRes) => refusal)
      const seconds = Math.max(1, Math.ceil(count.msBeforeNext / 1000))
      append(reply, 'ratelimit-policy', policy)
      append(reply, 'ratelimit', `"${name}";r=${count.remainingPoints};t=${seconds}`)
      if (count.consumedPoints <= max) return
      reply.header('retry-after', seconds)
      refused++
      // The request's own line names the user, where one is known; the key is not logged.
      if (Date.now() >= nextLine) {
        request.log.warn({ limit: name, refused }, 'rate limit reached')
        nextLine = Date.now() + REFUSAL_LOG_INTERVAL
        refused = 0
      }
      throw new ApiError('TOO_MANY_REQUESTS')
    }
  }

  // Fastify compares addresses as they are, and knows this header only.
  if (isBehindProxy) {
    app.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
      headers['x-forwarded-for'] = forwardedFor(headers)
      done()
    })
  }
  const { address, account, user } = perMinute
  app.limits.address.push(
    limit('address', address, ({ ip }) => addressOf(ip)),
    limit('network', address * PER_NETWORK, ({ ip }) => networkOf(ip))
  )
  app.limits.account.push(limit('account', account, accountOf))
  app.limits.user.push(limit('user', user, (request) => request.user.sub))
}, { name: 'rate-limits', dependencies: ['auth', 'validation'] })

/** One more item of a list (draft-ietf-httpapi-ratelimit-headers; RFC 9651 §3.1). */
function append (reply: FastifyReply, name: string, item: string): void {
  const before = reply.getHeader(name)
  reply.header(name, before === undefined ? item : `${String(before)}, ${item}`)
}

/** A key for the account in a body and the client's address, hashed so that Redis stores no email; null without an account. */
function accountOf (request: FastifyRequest): string | null {
  const { email } = Object(request.body) as { email?: unknown }
  if (typeof email !== 'string') return null
  return createHash('sha256').update(`${addressOf(request.ip)} ${normalizedEmail(email)}`).digest('base64url')
}

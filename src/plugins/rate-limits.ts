import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible'
import type { Config } from '../config/settings.js'
import { ApiError } from '../errors/api-error.js'
import { forwardedFor } from '../http/forwarded.js'
import { connectRedis } from './redis.js'
import { normalized } from './validation.js'

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

declare module 'fastify' {
  interface FastifyInstance {
    /** Hooks that count a request and answer 429 to the one too many; each list is empty when limits are off. */
    limits: {
      /** Before anything is known of whoever asks. */
      address: Hook[]
      /** When the body has been parsed: per account and address, so that nobody locks out somebody who is elsewhere. */
      account: Hook[]
      /** When the token has been looked at. */
      user: Hook[]
    }
  }
}

/** Seconds in which a limit counts, beginning with the first request. */
const WINDOW = 60

/** Milliseconds between two lines of the log about one limit. */
const REFUSAL_LOG_INTERVAL = 10_000

/** How many times as often all of an IPv6 /48 may ask, which a provider gives to one customer, as one /64 of it. */
const PER_NETWORK = 10

/** How often whoever asks may ask: signups and logins by address and account, everything else by user. */
export const rateLimitsPlugin = fp<{ config: Config }>(async (app, { config }) => {
  const { RATE_LIMIT, RATE_LIMIT_ADDRESS, RATE_LIMIT_ACCOUNT, RATE_LIMIT_USER, REDIS_URL, TRUST_PROXY } = config
  app.decorate('limits', { address: [], account: [], user: [] })
  if (RATE_LIMIT === 'off') return
  const redis = REDIS_URL === undefined ? null : await connectRedis(app, REDIS_URL)

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
      // Who it was is in the line of the request, where a user is known; the key of a count is nobody's business.
      if (Date.now() >= nextLine) {
        request.log.warn({ limit: name, refused }, 'rate limit reached')
        nextLine = Date.now() + REFUSAL_LOG_INTERVAL
        refused = 0
      }
      throw new ApiError('TOO_MANY_REQUESTS')
    }
  }

  // Fastify compares addresses as they are, and knows this header only.
  if (TRUST_PROXY) {
    app.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
      headers['x-forwarded-for'] = forwardedFor(headers)
      done()
    })
  }
  app.limits.address.push(limit('address', RATE_LIMIT_ADDRESS, addressOf), limit('network', RATE_LIMIT_ADDRESS * PER_NETWORK, networkOf))
  app.limits.account.push(limit('account', RATE_LIMIT_ACCOUNT, accountOf))
  app.limits.user.push(limit('user', RATE_LIMIT_USER, ({ user }) => user.sub))
}, { name: 'rate-limits', dependencies: ['auth', 'validation'] })

/** One more item of a list (draft-ietf-httpapi-ratelimit-headers; RFC 9651 §3.1). */
function append (reply: FastifyReply, name: string, item: string): void {
  const before = reply.getHeader(name)
  reply.header(name, before === undefined ? item : `${String(before)}, ${item}`)
}

/** Of IPv6 the network: whoever has one address of a /64 has them all. */
function addressOf ({ ip }: FastifyRequest): string {
  // A trusted proxy may not know it, and a connection that has ended has none.
  if (!ipaddr.isValid(ip)) return 'unknown'
  const address = ipaddr.process(ip)
  return 'parts' in address ? prefix(address, 4) : address.toString()
}

/** The /48 of an IPv6 address; null for any other. */
function networkOf ({ ip }: FastifyRequest): string | null {
  const address = ipaddr.isValid(ip) ? ipaddr.process(ip) : null
  return address && 'parts' in address ? prefix(address, 3) : null
}

/** The first groups of 16 bits. */
const prefix = ({ parts }: { parts: number[] }, groups: number) => parts.slice(0, groups).map((part) => part.toString(16)).join(':')

/** The account that a body names, from an address; null when it names none. Hashed, because Redis needs nobody's email. */
function accountOf (request: FastifyRequest): string | null {
  const { email } = Object(request.body) as { email?: unknown }
  if (typeof email !== 'string') return null
  return createHash('sha256').update(`${addressOf(request)} ${normalized(email)}`).digest('base64url')
}

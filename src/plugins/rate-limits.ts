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
      /** By user, for operations that ask for the password. */
      password: Hook[]
      /** By session, for a refresh token that this server signed. */
      session: Hook[]
      /** Counts a mail to an address, known or not. @returns whether it may be sent */
      mayWriteTo: (email: string) => Promise<boolean>
    }
  }
}

/** Seconds in which a limit counts, beginning with the first request; and for mails. */
const WINDOW = 60
const MAIL_WINDOW = 3600

/** Milliseconds between two lines of the log about one limit. */
const REFUSAL_LOG_INTERVAL = 10_000

/** The limit of an IPv6 /48, as a multiple of the limit of each /64 in it. */
const PER_NETWORK = 10

/** The limits, and where requests are counted. */
export interface LimitsOptions {
  /**
   * Requests in a minute: signups and logins of an address and of an account, renewals of a session, all others of a user; and
   * mails in an hour. Null for no limits.
   */
  most: { address: number, account: number, user: number, session: number, mails: number } | null
  /** The Redis in which several processes count together; each counts for itself when undefined. */
  redisUrl: string | undefined
  /** Whether the address comes from a trusted proxy. */
  isBehindProxy: boolean
  /** Told the name of a limit that has refused a request, or a mail. */
  onRefusal: (limit: string) => void
}

/** Limits signups and logins by address and account, everything else by user. */
export const rateLimitsPlugin = fp<LimitsOptions>(async (app, { most, redisUrl, isBehindProxy, onRefusal }) => {
  app.decorate('limits', { address: [], account: [], user: [], password: [], session: [], mayWriteTo: async () => true })
  if (!most) return
  const redis = redisUrl === undefined ? null : await connectRedis(app, redisUrl)

  /** @returns what counts. While Redis is away, each process counts for itself */
  function counter (name: string, points: number, duration: number): RateLimiterMemory | RateLimiterRedis {
    const options = { keyPrefix: `todo-backend:${name}`, points, duration }
    const here = new RateLimiterMemory(options)
    return redis === null
      ? here
      : new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true, insuranceLimiter: here })
  }

  /** @param keyOf who is counted, or null for nobody */
  function limit (name: string, max: number, keyOf: (request: FastifyRequest) => string | null): Hook {
    const limiter = counter(name, max, WINDOW)
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
      onRefusal(name)
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
  const { address, account, user, session, mails } = most
  app.limits.address.push(
    limit('address', address, ({ ip }) => addressOf(ip)),
    limit('network', address * PER_NETWORK, ({ ip }) => networkOf(ip))
  )
  app.limits.account.push(limit('account', account, accountOf))
  app.limits.user.push(limit('user', user, (request) => request.user.sub))
  app.limits.password.push(limit('password', account, (request) => request.user.sub))
  app.limits.session.push(limit('session', session, (request) => request.refreshToken![1]))
  const mail = counter('mail', mails, MAIL_WINDOW)
  app.limits.mayWriteTo = async (email) => await mail.consume(hashed(email)).then(() => true, () => {
    onRefusal('mail')
    return false
  })
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
  return hashed(`${addressOf(request.ip)} ${normalizedEmail(email)}`)
}

const hashed = (text: string) => createHash('sha256').update(text).digest('base64url')

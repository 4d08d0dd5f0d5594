import fastifyJwt from '@fastify/jwt'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import type { Config } from '../config/settings.js'
import { ApiError } from '../errors/api-error.js'
import { TokenClaims, type User } from '../schemas/auth.js'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    user: TokenClaims
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook: `request.user` becomes the token's claims, or the answer is 401. */
    authenticate: onRequestHookHandler
    /** Makes a token. Its life is in seconds. */
    issueToken: (user: User) => { token: string, expiresIn: number }
  }
}

/** The scheme in any case (RFC 9110 §11.1), one space, three parts (RFC 6750 §2.1, RFC 7515 §7.1). */
const BEARER = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i

/** Tokens that are remembered at most: some 10 MB. */
const MAX_KNOWN = 10_000

/** A credential of another scheme is not a token (RFC 6750 §3.1). */
const OTHER_SCHEME = /^(?!Bearer\b)[\w!#$%&'*+.^`|~-]+ /i

/**
 * Tokens: HS256 and nothing else, with issuer, audience and life, and without leeway. The rules are RFC 8725's; those
 * that @fastify/jwt has no option for are here.
 */
export const authPlugin = fp<{ config: Config }>(async (app, { config }) => {
  const issuer = { iss: config.JWT_ISSUER, aud: config.JWT_AUDIENCE }
  const expiresIn = config.ACCESS_TOKEN_EXPIRE_MINUTES * 60
  const keys = [config.SECRET_KEY, config.SECRET_KEY_PREVIOUS].filter((key) => key !== undefined)
  const claimsAreWhole = TypeCompiler.Compile(TokenClaims)

  await app.register(fastifyJwt, {
    secret: config.SECRET_KEY,
    sign: { algorithm: 'HS256', ...issuer },
    verify: {
      algorithms: ['HS256'],
      allowedIss: issuer.iss,
      allowedAud: issuer.aud,
      requiredClaims: ['sub', 'exp', 'iss', 'aud']
    }
  })

  app.decorate('issueToken', ({ id, email }: User) => {
    const iat = Math.floor(Date.now() / 1000)
    const token = app.jwt.sign({ sub: id, email, iat, exp: iat + expiresIn })
    return { token, expiresIn }
  })

  /** Claims of tokens that were good, by their header. To verify one is 40% of the cost of a read. */
  const known = new LRUCache<string, TokenClaims>({ max: MAX_KNOWN })

  /** @throws INVALID_CREDENTIALS */
  function claimsOf (authorization: string): TokenClaims {
    const claims = known.get(authorization) ?? verified(authorization)
    // On `exp` itself the token has expired (RFC 7519 §4.1.4), however often it was good before.
    if (Date.now() >= claims.exp * 1000) throw new ApiError('INVALID_CREDENTIALS')
    return claims
  }

  function verified (authorization: string): TokenClaims {
    const [, ...parts] = BEARER.exec(authorization) ?? []
    // Text that decodes to the same bytes would be a second token for the same claims.
    if (parts.length !== 3 || !parts.every(isCanonical)) throw new ApiError('INVALID_CREDENTIALS')
    const { header, payload } = decoded(parts.join('.'))
    // An extension marked as critical that we do not know (RFC 7515 §4.1.11), or not even a list of them.
    if ('crit' in header || !claimsAreWhole.Check(payload)) throw new ApiError('INVALID_CREDENTIALS')
    // One with an `nbf`, which ours have not, is looked at each time.
    if ('nbf' in payload) return payload
    known.set(authorization, payload)
    return payload
  }

  /** The key before the present one still verifies, so that a changeover logs nobody out; it signs nothing. */
  function decoded (token: string): { header: object, payload: unknown } {
    for (const key of keys) {
      try {
        return app.jwt.verify(token, { complete: true, key })
      } catch {
        // It may be signed with the next one.
      }
    }
    throw new ApiError('INVALID_CREDENTIALS')
  }

  app.decorate('authenticate', (request: FastifyRequest, _reply, done) => {
    const { authorization } = request.headers
    if (!authorization || OTHER_SCHEME.test(authorization)) return done(new ApiError('NOT_AUTHENTICATED'))
    try {
      request.user = claimsOf(authorization)
      done()
    } catch (error) {
      done(error as Error)
    }
  })
}, { name: 'auth' })

/** Whether a part is unpadded base64url as its bytes would be written again (RFC 4648 §3.5). */
const isCanonical = (part: string) => Buffer.from(part, 'base64url').toString('base64url') === part

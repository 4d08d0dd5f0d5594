import fastifyJwt from '@fastify/jwt'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Endings } from '../accounts/endings.js'
import { tokenRules, tokens } from '../accounts/tokens.js'
import { ApiError } from '../errors/api-error.js'
import type { TokenClaims } from '../schemas/auth.js'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    user: TokenClaims
    namespaces: 'present' | 'previous'
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook: `request.user` becomes the token's claims, or the answer is 401. */
    authenticate: onRequestHookHandler
    /** Signs a token of a session. Its lifetime is in seconds. */
    issueToken: ReturnType<typeof tokens>['issue']
  }
}

/** Where tokens come from and how long they live. */
export interface AuthOptions {
  /** Signs tokens and verifies them. */
  secret: string
  /** The previous secret, which only verifies. */
  previousSecret: string | undefined
  issuer: string
  audience: string
  /** In seconds. */
  life: number
  /** Which sessions have ended. */
  endings: Endings
}

/** The scheme in any case (RFC 9110 §11.1), one space, a token (RFC 6750 §2.1). */
const BEARER = /^Bearer (\S+)$/i

/** A credential of another scheme is not a token (RFC 6750 §3.1). */
const OTHER_SCHEME = /^(?!Bearer\b)[\w!#$%&'*+.^`|~-]+ /i

/** Authenticates a request by the token in its Authorization header, and by nothing else. */
export const authPlugin = fp<AuthOptions>(async (app, { secret, previousSecret, issuer, audience, life, endings }) => {
  const rules = tokenRules(issuer, audience)

  /** Signs and verifies with one key. The plugin makes both once; per call it would make a verifier each time. */
  async function key (namespace: 'present' | 'previous', secret: string) {
    await app.register(fastifyJwt, { ...rules, namespace, secret })
    return app.jwt[namespace]
  }

  const present = await key('present', secret)
  const previous = previousSecret === undefined ? [] : [await key('previous', previousSecret)]
  const { issue, claimsOf } = tokens([present, ...previous], life)

  app.decorate('issueToken', issue)
  app.addHook('onClose', async () => { endings.stop() })

  app.decorate('authenticate', (request: FastifyRequest, _reply, done) => {
    const { authorization } = request.headers
    if (!authorization || OTHER_SCHEME.test(authorization)) return done(new ApiError('NOT_AUTHENTICATED'))
    const [, token] = BEARER.exec(authorization) ?? []
    const claims = token === undefined ? null : claimsOf(token)
    if (!claims) return done(new ApiError('INVALID_CREDENTIALS'))
    request.user = claims
    // Those of version 1.0 belong to no session.
    if (claims.sid === undefined) return done()
    const finish = (hasEnded: boolean) => { done(hasEnded ? new ApiError('INVALID_CREDENTIALS') : undefined) }
    const hasEnded = endings.has(claims.sid)
    if (hasEnded === null) endings.look(claims.sid).then(finish, done)
    else finish(hasEnded)
  })
}, { name: 'auth' })

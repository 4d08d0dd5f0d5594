import { TypeCompiler } from '@sinclair/typebox/compiler'
import { LRUCache } from 'lru-cache'
import { TokenClaims, type User } from '../schemas/auth.js'

/** One key: what signs with it, and what verifies by the rules below. */
export interface TokenKey {
  sign: (claims: object) => string
  /** @throws Error for a token that another key has signed or that breaks a rule */
  verify: (token: string) => { header: object, payload: unknown }
}

/** Three parts of base64url. (RFC 7515 §7.1) */
const TOKEN = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/

/** Tokens that are remembered at most: some 10 MB. */
const MAX_KNOWN = 10_000

/**
 * All options of the JWT library: HS256 only, with issuer, audience and life, without leeway. The rules of RFC 8725 without an
 * option are in `tokens`.
 */
export const tokenRules = (issuer: string, audience: string) => ({
  sign: { algorithm: 'HS256' as const, iss: issuer, aud: audience },
  verify: {
    algorithms: ['HS256' as const],
    allowedIss: issuer,
    allowedAud: audience,
    requiredClaims: ['sub', 'exp', 'iss', 'aud'],
    complete: true
  }
})

/**
 * Makes and reads access tokens.
 * @param keys the present one signs. The one before it still verifies, so that a changeover logs nobody out
 * @param life of a token, in seconds
 */
export function tokens ([present, ...previous]: [TokenKey, ...TokenKey[]], life: number) {
  const claimsAreWhole = TypeCompiler.Compile(TokenClaims)

  /** Claims of tokens that were good. To verify one is 40% of the cost of a read. */
  const known = new LRUCache<string, TokenClaims>({ max: MAX_KNOWN })

  function verified (token: string): TokenClaims | null {
    const [, ...parts] = TOKEN.exec(token) ?? []
    // Text that decodes to the same bytes would be a second token for the same claims.
    if (parts.length !== 3 || !parts.every(isCanonical)) return null
    const { header, payload } = decoded(token) ?? {}
    // An extension marked as critical that we do not know (RFC 7515 §4.1.11), or not even a list of them.
    if (!header || 'crit' in header || !claimsAreWhole.Check(payload)) return null
    known.set(token, payload)
    return payload
  }

  function decoded (token: string): ReturnType<TokenKey['verify']> | null {
    for (const key of [present, ...previous]) {
      try {
        return key.verify(token)
      } catch {
        // It may be signed with the next one.
      }
    }
    return null
  }

  return {
    /**
     * @param session that the token belongs to
     * @param until when that ends at the latest
     * @returns a new token, and its life in seconds
     */
    issue ({ id, email }: User, session: string, until: Date): { token: string, expiresIn: number } {
      const iat = Math.floor(Date.now() / 1000)
      const exp = Math.min(iat + life, Math.floor(until.getTime() / 1000))
      return { token: present.sign({ sub: id, email, sid: session, iat, exp }), expiresIn: Math.max(1, exp - iat) }
    },

    /** @returns what a token says; null for one that is not good, or not any more */
    claimsOf (token: string): TokenClaims | null {
      const claims = known.get(token) ?? verified(token)
      // On `exp` itself the token has expired (RFC 7519 §4.1.4), however often it was good before.
      return claims && Date.now() < claims.exp * 1000 ? claims : null
    }
  }
}

/** Whether a part is unpadded base64url as its bytes would be written again (RFC 4648 §3.5). */
const isCanonical = (part: string) => Buffer.from(part, 'base64url').toString('base64url') === part

import { Type, type Static } from '@sinclair/typebox'
import { Id, Timestamp, anyText, strict, uuidPattern, visibleText } from './common.js'

/** The limits of an account's fields, in code points. The table's columns follow them. */
export const accountLimits = {
  email: { maxLength: 255 },
  password: { minLength: 8, maxLength: 128 },
  passwordAtLogin: { maxLength: 1024 },
  name: { minLength: 1, maxLength: 100 }
} as const

const email = {
  format: 'email',
  ...accountLimits.email,
  description: 'ASCII `local@domain.tld`, in lower case; unique',
  examples: ['ada@example.com']
}

/** An email as a client may send it: surrounding white space and upper case are normalized away before the rules apply. */
export const emailInput = Type.String({
  ...email,
  'x-normalize': ['trim', 'lowercase'],
  description: 'ASCII `local@domain.tld`; surrounding white space and case are ignored'
})

export const name = Type.String({
  ...accountLimits.name,
  ...visibleText,
  description: 'Shown to people; not only white space',
  examples: ['Ada Lovelace']
})

export const newPassword = Type.String({
  ...accountLimits.password,
  ...anyText,
  format: 'password',
  description: 'Any characters; normalized to NFC, never trimmed or cut (NIST SP 800-63B §3.1.1.2)',
  examples: ['correct horse battery staple']
})

/** A password that is compared only: one that could never have been set is simply wrong. */
export const knownPassword = Type.String({ ...accountLimits.passwordAtLogin, format: 'password', examples: ['correct horse battery staple'] })

export const SignupRequest = Type.Object({
  email: emailInput,
  password: newPassword,
  name
}, {
  $id: 'SignupRequest',
  ...strict,
  description: 'A new account',
  examples: [{ email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' }]
})
export type SignupRequest = Static<typeof SignupRequest>

export const LoginRequest = Type.Object({
  email: emailInput,
  password: knownPassword
}, {
  $id: 'LoginRequest',
  ...strict,
  description: 'An account and its password',
  examples: [{ email: 'ada@example.com', password: 'correct horse battery staple' }]
})
export type LoginRequest = Static<typeof LoginRequest>

export const exampleUser = {
  id: '019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01',
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  created_at: '2026-01-06T10:30:00.000Z',
  email_verified: true
}

export const User = Type.Object({
  id: Id({ description: 'A UUIDv7: ids sort by creation' }),
  email: Type.String(email),
  name,
  created_at: Timestamp(),
  email_verified: Type.Boolean({ description: 'Whether the link mailed to this address has been used' })
}, {
  $id: 'User',
  ...strict,
  description: 'An account',
  examples: [exampleUser]
})
export type User = Static<typeof User>

export const LoginAnswer = Type.Object({
  access_token: Type.String({ description: 'A JWT to send as `Authorization: Bearer …`' }),
  token_type: Type.Literal('bearer'),
  expires_in: Type.Integer({ minimum: 1, description: 'Seconds until the access token expires' }),
  refresh_token: Type.String({ description: 'Exchange it for new tokens at `POST /api/auth/refresh`' }),
  refresh_expires_in: Type.Integer({ minimum: 1, description: 'Seconds until the session ends, unless it is renewed' }),
  user: Type.Unsafe<User>(Type.Ref('User'))
}, {
  $id: 'LoginAnswer',
  ...strict,
  description: 'Tokens and their user',
  examples: [{
    access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTliOTJkNCJ9.c2lnbmF0dXJl',
    token_type: 'bearer',
    expires_in: 1800,
    refresh_token: 'WyIwMTliOTJkNCIsIjAxOWI5MmQ1IiwwXQ.c2lnbmF0dXJl',
    refresh_expires_in: 2592000,
    user: exampleUser
  }]
})
export type LoginAnswer = Static<typeof LoginAnswer>

/** What a token says (RFC 7519 §4.1); times in seconds since 1970. */
export const TokenClaims = Type.Object({
  sub: Type.String({ pattern: uuidPattern }),
  email: Type.Optional(Type.String()),
  /** The session (OpenID Connect Front-Channel Logout §3). Tokens of version 1.0 have none. */
  sid: Type.Optional(Type.String({ pattern: uuidPattern })),
  iat: Type.Optional(Type.Number()),
  exp: Type.Number(),
  iss: Type.String(),
  aud: Type.String()
})
export type TokenClaims = Static<typeof TokenClaims>

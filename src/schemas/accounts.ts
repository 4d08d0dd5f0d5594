import { Type, type Static, type TObject, type TProperties } from '@sinclair/typebox'
import type { User } from './auth.js'
import { emailInput, exampleUser, knownPassword, name, newPassword } from './auth.js'
import { Id, NullableText, Timestamp, strict } from './common.js'
import type { Task } from './tasks.js'

/** The body of a request: a named component that refuses what it does not name. */
const body = <Members extends TProperties>(
  $id: string, description: string, members: Members, example: object
): TObject<Members> =>
    Type.Object(members, { $id, ...strict, description, examples: [example] })

const password = 'correct horse battery staple'
const token = 'eyJvd25lciI6IjAxOWI5MmQ0In0.c2lnbmF0dXJl'

/** Any text: whether it is a valid token is decided later, not by the schema. */
const tokenText = Type.String()

/** The issue for a token that is not from a mail, has expired or has been used. */
export const tokenIssue = { msg: 'must be the token of a mail that is still good', type: 'value_error.token' } as const

const mailToken = Type.String({ 'x-issue': tokenIssue })

export const RefreshRequest = body('RefreshRequest', 'What renews a session', { refresh_token: tokenText }, { refresh_token: token })
export type RefreshRequest = Static<typeof RefreshRequest>

export const ProfileChange = body('ProfileChange', 'What is shown of an account', { name }, { name: 'Ada King' })

export const PasswordChange = body('PasswordChange', 'A new password', { current_password: knownPassword, new_password: newPassword },
  { current_password: password, new_password: 'battery staple correct horse' })

export const EmailChange = body('EmailChange', 'A new email', { email: emailInput, password: knownPassword }, { email: 'ada@example.org', password })

export const AccountDeletion = body('AccountDeletion', 'The password of an account that is to go', { password: knownPassword }, { password })

export const PasswordResetRequest = body('PasswordResetRequest', 'Whose password is forgotten', { email: emailInput }, { email: 'ada@example.com' })

export const PasswordReset = body('PasswordReset', 'A new password, by the token of a mail', { token: mailToken, new_password: newPassword },
  { token, new_password: 'battery staple correct horse' })

export const EmailConfirmation = body('EmailConfirmation', 'The token of a mail', { token: mailToken }, { token })

export const Accepted = Type.Object({ status: Type.Literal('accepted') }, {
  $id: 'Accepted', ...strict, description: 'A mail is sent, if there is a recipient', examples: [{ status: 'accepted' }]
})

const exampleSession = {
  id: '019b92d4-2a10-7c55-8e21-6f0b8f6a0102',
  created_at: '2026-01-06T10:30:00.000Z',
  last_used_at: '2026-01-07T08:00:00.000Z',
  expires_at: '2026-02-06T08:00:00.000Z',
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  is_current: true
}

export const Session = Type.Object({
  id: Id(),
  created_at: Timestamp({ description: 'When the login was' }),
  last_used_at: Timestamp({ description: 'The last renewal, or the login' }),
  expires_at: Timestamp({ description: 'When the session ends unless it is renewed' }),
  user_agent: NullableText({ maxLength: 200, description: 'The `User-Agent` of the login' }),
  is_current: Type.Boolean({ description: 'Whether this request belongs to it' })
}, { $id: 'Session', ...strict, description: 'A login of a device or browser', examples: [exampleSession] })
export type Session = Static<typeof Session>

export const SessionList = Type.Object({ sessions: Type.Array(Type.Unsafe<Session>(Type.Ref('Session'))) }, {
  $id: 'SessionList', ...strict, description: 'The sessions of a user, last used first', examples: [{ sessions: [exampleSession] }]
})
export type SessionList = Static<typeof SessionList>

export const Export = Type.Object({
  user: Type.Unsafe<User>(Type.Ref('User')),
  tasks: Type.Array(Type.Unsafe<Task>(Type.Ref('Task')))
}, { $id: 'Export', ...strict, description: 'An account with all its tasks, oldest first', examples: [{ user: exampleUser, tasks: [] }] })
export type Export = Static<typeof Export>

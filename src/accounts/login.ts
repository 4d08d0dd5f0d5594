import { ApiError } from '../errors/api-error.js'
import type { Users } from '../repositories/users.js'
import type { LoginAnswer, LoginRequest, SignupRequest, User } from '../schemas/auth.js'
import type { Client, Passwords } from './passwords.js'
import type { Post } from './post.js'
import type { Sessions } from './sessions.js'

/** What accounts work with. */
export interface AccountServices {
  users: Users
  passwords: Passwords
  sessions: Sessions
  post: Post
  /** Whether a login needs a confirmed email. */
  requireVerifiedEmail: boolean
  log: { warn: (facts: object, message: string) => void }
}

/** Signing up and logging in. */
export const loginWith = ({ users, passwords, sessions, post, requireVerifiedEmail, log }: AccountServices) => ({
  /** @throws EMAIL_TAKEN */
  async signUp ({ email, name, password }: SignupRequest, client: Client): Promise<User> {
    const user = await users.create({ email, name, hash: await passwords.hash(password, client) })
    if (!user) throw new ApiError('EMAIL_TAKEN')
    post.welcome(user)
    return user
  },

  /** @throws WRONG_LOGIN, also when the password changes meanwhile; EMAIL_NOT_VERIFIED */
  async logIn ({ email, password }: LoginRequest, userAgent: string | undefined, client: Client): Promise<LoginAnswer> {
    const found = await users.findLogin(email)
    const isRight = await passwords.verify(found?.hash ?? null, password, client)
    if (!found || !isRight) throw new ApiError('WRONG_LOGIN')
    const { user, hash, version } = found
    if (requireVerifiedEmail && !user.email_verified) {
      await post.confirm(user)
      throw new ApiError('EMAIL_NOT_VERIFIED')
    }
    if (passwords.isOutdated(hash)) {
      const renewed = passwords.hash(password, client).then(async (next) => users.updateHash(user.id, hash, next))
      // The login succeeds without it, and the next one tries again.
      await renewed.catch(({ message }: Error) => { log.warn({ reason: message }, 'password hash not upgraded') })
    }
    const answer = await sessions.begin(user, version, userAgent)
    if (!answer) throw new ApiError('WRONG_LOGIN')
    return answer
  }
})
export type Login = ReturnType<typeof loginWith>

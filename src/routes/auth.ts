import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { apiAnswers, bodyErrors, tokenErrors } from '../errors/answers.js'
import { ApiError } from '../errors/api-error.js'
import type { Passwords } from '../accounts/passwords.js'
import { usersIn } from '../repositories/users.js'
import { LoginAnswer, LoginRequest, SignupRequest, User } from '../schemas/auth.js'
import { NoQuery, ref } from '../schemas/common.js'

/** Story 1: sign up, log in, who am I. */
export const authRoutes: FastifyPluginAsyncTypebox<{ passwords: Passwords }> = async (app, { passwords }) => {
  const users = usersIn(app.db)

  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store')
    done()
  })

  app.post('/signup', {
    onRequest: app.limits.address,
    preValidation: app.limits.account,
    preHandler: app.places.hashes.take,
    schema: {
      operationId: 'signUp',
      tags: ['Accounts'],
      summary: 'Sign up',
      description: 'Creates an account. The password is kept as an Argon2id hash and never returned.',
      querystring: NoQuery,
      body: ref(SignupRequest),
      response: {
        201: ref(User, {
          description: 'The new account',
          headers: { Location: { type: 'string', description: 'Where the account is read: `/api/auth/me`' } }
        }),
        ...apiAnswers([...bodyErrors, 'EMAIL_TAKEN'], [
          { loc: ['body', 'password'], msg: 'must have at least 8 characters', type: 'value_error.str.min_length' }
        ])
      }
    }
  }, async ({ body: { email, name, password } }, reply) => {
    const user = await users.create({ email, name, hash: await passwords.hash(password, reply.raw) })
    if (!user) throw new ApiError('EMAIL_TAKEN')
    return reply.code(201).header('location', '/api/auth/me').send(user)
  })

  app.post('/login', {
    onRequest: app.limits.address,
    preValidation: app.limits.account,
    preHandler: app.places.hashes.take,
    schema: {
      operationId: 'logIn',
      tags: ['Accounts'],
      summary: 'Log in',
      description: 'Answers a token. An unknown email and a wrong password are the same answer after the same time.',
      querystring: NoQuery,
      body: ref(LoginRequest),
      response: {
        200: ref(LoginAnswer, { description: 'A token and whose it is' }),
        ...apiAnswers([...bodyErrors, 'WRONG_LOGIN'], [
          { loc: ['body', 'email'], msg: 'must be an email address', type: 'value_error.email' }
        ])
      }
    }
  }, async ({ body: { email, password }, log }, reply) => {
    const found = await users.findLogin(email)
    const isRight = await passwords.verify(found?.hash ?? null, password, reply.raw)
    if (!found || !isRight) throw new ApiError('WRONG_LOGIN')
    const { user, hash } = found
    if (passwords.isOutdated(hash)) {
      const renewed = passwords.hash(password, reply.raw).then(async (next) => users.updateHash(user.id, hash, next))
      // The login is good without it, and the next one tries again.
      await renewed.catch(({ message }: Error) => { log.warn({ reason: message }, 'password hash not upgraded') })
    }
    const { token, expiresIn } = app.issueToken(user)
    return { access_token: token, token_type: 'bearer' as const, expires_in: expiresIn, user }
  })

  app.get('/me', {
    onRequest: [app.authenticate, ...app.limits.user],
    schema: {
      operationId: 'getMe',
      tags: ['Accounts'],
      security: [{ bearer: [] }],
      summary: 'Who am I',
      description: "The token's user.",
      querystring: NoQuery,
      response: {
        200: ref(User, { description: "The token's user" }),
        ...apiAnswers(tokenErrors)
      }
    }
  }, async (request) => {
    const user = await users.find(request.user.sub)
    if (!user) throw new ApiError('INVALID_CREDENTIALS')
    return user
  })
}

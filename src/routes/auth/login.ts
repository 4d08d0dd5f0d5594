import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { apiAnswers, bodyErrors } from '../../errors/answers.js'
import { LoginAnswer, LoginRequest, SignupRequest, User } from '../../schemas/auth.js'
import { NoQuery, ref } from '../../schemas/common.js'
import type { Accounts } from './accounts.js'

/** Sign up, log in. */
export const loginRoutes: FastifyPluginAsyncTypebox<Accounts> = async (app, { login }) => {
  const hooks = { onRequest: app.limits.address, preValidation: app.limits.account, preHandler: app.places.hashes.take }

  app.post('/signup', {
    ...hooks,
    schema: {
      operationId: 'signUp',
      tags: ['Accounts'],
      summary: 'Sign up',
      description: 'Creates an account. The password is kept as an Argon2id hash and never returned. A mail with a link to confirm the email is sent.',
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
  }, async ({ body }, reply) => {
    const user = await login.signUp(body, reply.raw)
    return reply.code(201).header('location', '/api/auth/me').send(user)
  })

  app.post('/login', {
    ...hooks,
    schema: {
      operationId: 'logIn',
      tags: ['Accounts'],
      summary: 'Log in',
      description: 'Begins a session and returns its tokens. An unknown email and a wrong password get the same answer after the same time.',
      querystring: NoQuery,
      body: ref(LoginRequest),
      response: {
        200: ref(LoginAnswer, { description: 'The tokens and their user' }),
        ...apiAnswers([...bodyErrors, 'WRONG_LOGIN', 'EMAIL_NOT_VERIFIED'], [
          { loc: ['body', 'email'], msg: 'must be an email address', type: 'value_error.email' }
        ])
      }
    }
  }, async ({ body, headers }, reply) => login.logIn(body, headers['user-agent'], reply.raw))
}

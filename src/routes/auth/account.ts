import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { apiAnswers, bodyErrors, tokenErrors } from '../../errors/answers.js'
import { acceptPatch, takes } from '../../http/accept-patch.js'
import { Accepted, AccountDeletion, EmailChange, PasswordChange, ProfileChange } from '../../schemas/accounts.js'
import { User } from '../../schemas/auth.js'
import { NoQuery, ref } from '../../schemas/common.js'
import type { Accounts } from './accounts.js'
import { afterAnswer, noContent } from './answers.js'

const nameMissing = [{ loc: ['body', 'name'], msg: 'is required', type: 'value_error.missing' }]
const tooShort = [{ loc: ['body', 'new_password'], msg: 'must have at least 8 characters', type: 'value_error.str.min_length' }]

/** The user's own account: read, change, delete. */
export const accountRoutes: FastifyPluginAsyncTypebox<Accounts> = async (app, { credentials }) => {
  const { limits, authenticate, places } = app
  const onRequest = [authenticate, ...limits.user]
  /** Operations that ask for the password are limited like a login. */
  const passwordRoute = { onRequest, preValidation: limits.password, preHandler: places.hashes.take }
  const common = { tags: ['Accounts'], security: [{ bearer: [] }], querystring: NoQuery }

  app.get('/me', {
    onRequest,
    schema: {
      ...common,
      operationId: 'getMe',
      summary: 'Read my account',
      description: 'The account that the token belongs to.',
      response: { 200: ref(User, { description: "The token's user" }), ...apiAnswers(tokenErrors) }
    }
  }, async ({ user }) => credentials.find(user))

  app.patch('/me', {
    onRequest,
    onError: takes('application/json'),
    schema: {
      ...common,
      operationId: 'changeMe',
      summary: 'Change my name',
      description: 'Changes the name that is shown to people.',
      body: ref(ProfileChange),
      response: {
        200: ref(User, { description: 'The account as it is now' }),
        ...apiAnswers([...tokenErrors, ...bodyErrors], nameMissing, acceptPatch)
      }
    }
  }, async ({ user, body }) => credentials.rename(user, body.name))

  app.put('/me/password', {
    ...passwordRoute,
    schema: {
      ...common,
      operationId: 'changePassword',
      summary: 'Change my password',
      description: 'Sets a new password and ends every other session.',
      body: ref(PasswordChange),
      response: {
        204: noContent('The password has changed'),
        ...apiAnswers([...tokenErrors, ...bodyErrors, 'WRONG_PASSWORD'], tooShort)
      }
    }
  }, async ({ user, body }, reply) => {
    await credentials.changePassword(user, body.current_password, body.new_password, reply.raw)
    return reply.code(204).send()
  })

  app.put('/me/email', {
    ...passwordRoute,
    schema: {
      ...common,
      operationId: 'changeEmail',
      summary: 'Change my email',
      description: 'Sends a link to the new address. The new address takes effect when the link is used; the old one is then notified.',
      body: ref(EmailChange),
      response: {
        202: ref(Accepted, { description: 'A mail is sent' }),
        ...apiAnswers([...tokenErrors, ...bodyErrors, 'WRONG_PASSWORD', 'EMAIL_TAKEN', 'MAIL_UNAVAILABLE'], [
          { loc: ['body', 'email'], msg: 'must be an email address', type: 'value_error.email' }
        ])
      }
    }
  }, async ({ user, body, log }, reply) => {
    afterAnswer(reply, log, await credentials.changeEmail(user, body.email, body.password, reply.raw))
    return reply.code(202).send({ status: 'accepted' })
  })

  app.post('/me/delete', {
    ...passwordRoute,
    schema: {
      ...common,
      operationId: 'deleteMe',
      summary: 'Delete my account',
      description: 'Deletes the account with all its tasks, permanently. Its tokens are 401 from then on.',
      body: ref(AccountDeletion),
      response: {
        204: noContent('The account is gone', true),
        ...apiAnswers([...tokenErrors, ...bodyErrors, 'WRONG_PASSWORD'], [{ loc: ['body', 'password'], msg: 'is required', type: 'value_error.missing' }])
      }
    }
  }, async ({ user, body }, reply) => {
    await credentials.remove(user, body.password, reply.raw)
    return reply.code(204).header('clear-site-data', '"cache"').send()
  })
}

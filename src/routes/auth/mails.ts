import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { apiAnswers, bodyErrors } from '../../errors/answers.js'
import { Accepted, EmailConfirmation, PasswordReset, PasswordResetRequest, tokenIssue } from '../../schemas/accounts.js'
import { NoQuery, ref } from '../../schemas/common.js'
import type { Accounts } from './accounts.js'
import { afterAnswer, noContent } from './answers.js'

const badToken = [{ loc: ['body', 'token'], ...tokenIssue }]

/** Reset of the password and confirmation of the email, by mail. */
export const mailRoutes: FastifyPluginAsyncTypebox<Accounts> = async (app, { credentials }) => {
  const { limits, places } = app
  const common = { tags: ['Accounts'], querystring: NoQuery }

  app.post('/password-reset', {
    onRequest: limits.address,
    preValidation: limits.account,
    schema: {
      ...common,
      operationId: 'requestPasswordReset',
      summary: 'Ask for a password reset',
      description: 'Sends a link to set a new password. The answer and its time are the same whether the account exists or not.',
      body: ref(PasswordResetRequest),
      response: {
        202: ref(Accepted, { description: 'A mail is sent, if the account exists' }),
        ...apiAnswers([...bodyErrors, 'MAIL_UNAVAILABLE'], [{ loc: ['body', 'email'], msg: 'must be an email address', type: 'value_error.email' }])
      }
    }
  }, async ({ body, log }, reply) => {
    afterAnswer(reply, log, await credentials.requestReset(body.email))
    return reply.code(202).send({ status: 'accepted' })
  })

  app.post('/password-reset/confirm', {
    onRequest: limits.address,
    preHandler: places.hashes.take,
    schema: {
      ...common,
      operationId: 'resetPassword',
      summary: 'Reset the password',
      description: 'Sets a new password with the token from the mail, once. Every session ends, and the email counts as verified.',
      body: ref(PasswordReset),
      response: { 204: noContent('The password has changed'), ...apiAnswers(bodyErrors, badToken) }
    }
  }, async ({ body }, reply) => {
    await credentials.reset(body.token, body.new_password, reply.raw)
    return reply.code(204).send()
  })

  app.post('/email-verification/confirm', {
    onRequest: limits.address,
    schema: {
      ...common,
      operationId: 'confirmEmail',
      summary: 'Confirm an email',
      description: 'Confirms an email with the token from the mail; a new address takes effect now. Repeating it is harmless.',
      body: ref(EmailConfirmation),
      response: { 204: noContent('The email is confirmed'), ...apiAnswers([...bodyErrors, 'EMAIL_TAKEN'], badToken) }
    }
  }, async ({ body }, reply) => {
    await credentials.confirmEmail(body.token)
    return reply.code(204).send()
  })
}

import { Type } from '@sinclair/typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { apiAnswers, tokenErrors } from '../../errors/answers.js'
import { ApiError } from '../../errors/api-error.js'
import { ignoreBody } from '../../http/ignored-body.js'
import { Accepted } from '../../schemas/accounts.js'
import { Id, NoQuery, ref, strict } from '../../schemas/common.js'
import type { Accounts } from './accounts.js'
import { afterAnswer, noContent } from './answers.js'

const SessionPath = Type.Object({ session_id: Id({ description: 'The id of the session' }) }, strict)

const WhichSessions = Type.Object({
  except_current: Type.Boolean({ default: false, description: 'Whether to keep the session of this request' })
}, strict)

const badId = [{ loc: ['path', 'session_id'], msg: 'must be a UUID, 8-4-4-4-12 hexadecimal digits', type: 'value_error.uuid' }]

/** Operations without a body; one that is sent is ignored. */
export const bodilessRoutes: FastifyPluginAsyncTypebox<Accounts> = async (app, { sessions, credentials }) => {
  const onRequest = [app.authenticate, ...app.limits.user]
  const common = { tags: ['Accounts'], security: [{ bearer: [] }], querystring: NoQuery }

  ignoreBody(app)

  app.post('/logout', {
    onRequest,
    schema: {
      ...common,
      operationId: 'logOut',
      summary: 'Log out',
      description: 'Ends the session: its refresh token and its access tokens are no longer valid. A body is ignored.',
      response: { 204: noContent('The session has ended', true), ...apiAnswers(tokenErrors) }
    }
  }, async ({ user: { sub, sid } }, reply) => {
    if (!await sessions.logOut(sub, sid)) throw new ApiError('INVALID_CREDENTIALS')
    return reply.code(204).header('clear-site-data', '"cache"').send()
  })

  app.post('/email-verification', {
    onRequest,
    schema: {
      ...common,
      operationId: 'requestEmailVerification',
      summary: 'Send the link that confirms my email',
      description: 'Sends the link again; does nothing if the email is already verified. A body is ignored.',
      response: { 202: ref(Accepted, { description: 'A mail is sent' }), ...apiAnswers([...tokenErrors, 'MAIL_UNAVAILABLE']) }
    }
  }, async ({ user, log }, reply) => {
    afterAnswer(reply, log, await credentials.requestConfirmation(user))
    return reply.code(202).send({ status: 'accepted' })
  })

  app.delete('/sessions/:session_id', {
    onRequest,
    schema: {
      ...common,
      operationId: 'endSession',
      summary: 'End one of my sessions',
      description: 'Logs out one device or browser.',
      params: SessionPath,
      response: { 204: noContent('The session has ended'), ...apiAnswers([...tokenErrors, 'SESSION_NOT_FOUND'], badId) }
    }
  }, async ({ user, params }, reply) => {
    if (!await sessions.end(user.sub, params.session_id)) {
      await credentials.find(user)
      throw new ApiError('SESSION_NOT_FOUND')
    }
    return reply.code(204).send()
  })

  app.delete('/sessions', {
    onRequest,
    schema: {
      ...common,
      operationId: 'endSessions',
      summary: 'End my sessions',
      description: "Ends all of the user's sessions, or with `except_current` all others.",
      querystring: WhichSessions,
      response: { 204: noContent('The sessions have ended'), ...apiAnswers(tokenErrors) }
    }
  }, async ({ user, query }, reply) => {
    const ended = await sessions.endAll(user.sub, query.except_current ? user.sid : undefined)
    // Without an owner there is nothing to end either.
    if (ended === 0) await credentials.find(user)
    return reply.code(204).send()
  })
}

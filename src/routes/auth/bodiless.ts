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
  except_current: Type.Boolean({ default: false, description: 'Whether the session that asks goes on' })
}, strict)

const badId = [{ loc: ['path', 'session_id'], msg: 'must be a UUID, 8-4-4-4-12 hexadecimal digits', type: 'value_error.uuid' }]

/** What has nothing to say: a body that comes all the same is not looked at, whatever it is. Sessions end, a mail goes out. */
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
      description: 'Ends the session: neither its refresh token nor its access tokens are good any more. A body is ignored.',
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
      description: 'Sends it once more; nothing when the email is verified already. A body is ignored.',
      response: { 202: ref(Accepted, { description: 'A mail goes out' }), ...apiAnswers([...tokenErrors, 'MAIL_UNAVAILABLE']) }
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
      summary: 'Log out somewhere else',
      description: "Ends one of the user's sessions.",
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
      summary: 'Log out everywhere',
      description: "Ends all of the user's sessions, or all others.",
      querystring: WhichSessions,
      response: { 204: noContent('The sessions have ended'), ...apiAnswers(tokenErrors) }
    }
  }, async ({ user, query }, reply) => {
    const ended = await sessions.endAll(user.sub, query.except_current ? user.sid : undefined)
    // Nothing has ended for nobody, too.
    if (ended === 0) await credentials.find(user)
    return reply.code(204).send()
  })
}

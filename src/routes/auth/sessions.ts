import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RefreshToken } from '../../accounts/sessions.js'
import { apiAnswers, bodyErrors, tokenErrors } from '../../errors/answers.js'
import { ApiError } from '../../errors/api-error.js'
import { RefreshRequest, SessionList } from '../../schemas/accounts.js'
import { LoginAnswer } from '../../schemas/auth.js'
import { NoQuery, ref } from '../../schemas/common.js'
import type { Accounts } from './accounts.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The content of the body's refresh token, if this server signed it. */
    refreshToken: RefreshToken | null
  }
}

/** Renewing and listing sessions. */
export const sessionRoutes: FastifyPluginAsyncTypebox<Accounts> = async (app, { sessions }) => {
  const { limits, authenticate } = app
  const protectedRoute = { onRequest: [authenticate, ...limits.user] }
  const security = [{ bearer: [] }]
  app.decorateRequest('refreshToken', null)

  /** Counts valid refresh tokens by session: an office behind one address must not lock itself out at nine o'clock. */
  async function limitRefresh (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    request.refreshToken = sessions.read((request.body as RefreshRequest).refresh_token)
    for (const limit of request.refreshToken ? limits.session : limits.address) await limit(request, reply)
  }

  app.post('/refresh', {
    preHandler: limitRefresh,
    schema: {
      operationId: 'refresh',
      tags: ['Accounts'],
      summary: 'Renew the tokens',
      description: 'Returns new tokens; the new refresh token replaces the one that was sent. That one can be sent again until the new one is ' +
        'used: a client that lost the answer gets the same refresh token again. An older one ends the session.',
      querystring: NoQuery,
      body: ref(RefreshRequest),
      response: {
        200: ref(LoginAnswer, { description: 'The new tokens' }),
        ...apiAnswers([...bodyErrors, 'INVALID_REFRESH_TOKEN'], [{ loc: ['body', 'refresh_token'], msg: 'is required', type: 'value_error.missing' }])
      }
    }
  }, async ({ refreshToken }) => {
    const answer = refreshToken && await sessions.refresh(refreshToken)
    if (!answer) throw new ApiError('INVALID_REFRESH_TOKEN')
    return answer
  })

  app.get('/sessions', {
    ...protectedRoute,
    schema: {
      operationId: 'listSessions',
      tags: ['Accounts'],
      security,
      summary: 'List my sessions',
      description: 'The sessions that have not ended, last used first.',
      querystring: NoQuery,
      response: { 200: ref(SessionList, { description: 'The sessions' }), ...apiAnswers(tokenErrors) }
    }
  }, async ({ user: { sub, sid } }) => {
    const list = await sessions.list(sub, sid)
    if (!list) throw new ApiError('INVALID_CREDENTIALS')
    return list
  })
}

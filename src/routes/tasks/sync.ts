import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { apiAnswers } from '../../errors/answers.js'
import { ApiError, Overloaded, ValidationFailed } from '../../errors/api-error.js'
import { allowSilence } from '../../http/latest-answer.js'
import { ref } from '../../schemas/common.js'
import { ChangesPage, ChangesQuery, EventStreamText, EventsHeaders, EventsQuery, sinceIssue } from '../../schemas/sync.js'
import { changesAfter } from '../../sync/changes.js'
import { positionOf, type Position } from '../../sync/positions.js'
import { sharedBy, type Mount } from './mount.js'

/** Seconds after which somebody with too many streams may try again: about as long as it takes to notice one that is gone. */
const RETRY = 10

/** No proxy keeps them, or waits for more before it passes them on. Nothing comes after a stream on its connection. */
const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no', connection: 'close'
}

/** Changes: page by page, or as a stream. */
export const syncRoutes: FastifyPluginAsyncTypebox<Mount> = async (app, mount) => {
  const { suffix, collectionPath } = mount
  const { shared, everywhere } = sharedBy(mount)
  const collection = { ...shared, ...(collectionPath && { params: collectionPath }) }

  app.get('/changes', {
    schema: {
      ...collection,
      operationId: `listTaskChanges${suffix}`,
      summary: 'List changes',
      description: 'Without `since` the pages go through all tasks, oldest first, and then through what has changed meanwhile. Pass `next` back ' +
        'as `since`, also after the last page: a client that applies all pages has exactly the tasks of the server.',
      querystring: ChangesQuery,
      response: {
        200: ref(ChangesPage, { description: 'A page of changes' }),
        ...apiAnswers([...everywhere, 'SYNC_TOKEN_EXPIRED'], [invalid])
      }
    }
  }, async (request) => {
    const { since, limit } = request.query
    const page = await changesAfter(request.tasks, request.changes, sinceOf(request, since) ?? null, limit)
    if (page === 'expired') throw new ApiError('SYNC_TOKEN_EXPIRED')
    if (page === 'owner gone') throw new ApiError('INVALID_CREDENTIALS')
    return page
  })

  app.get('/events', {
    schema: {
      ...collection,
      operationId: `followTasks${suffix}`,
      summary: 'Stream changes',
      description: 'A stream of events after `Last-Event-ID` or `since`, or from now on: `ready`, then `task` and `deleted`, each with an ' +
        'id that can be used as `since`. `reset` means that the position has expired: fetch all changes again. `unauthenticated` comes last, when the token ' +
        'expires or its session ends. The stream does not end by itself, so that *Try it out* has nothing to show: use `curl -N`.',
      querystring: EventsQuery,
      headers: EventsHeaders,
      response: {
        200: { description: 'The events', content: { 'text/event-stream': { schema: ref(EventStreamText) } } },
        ...apiAnswers(everywhere, [invalid])
      }
    }
  }, async (request, reply) => {
    const { sub, sid: session, exp } = request.user
    const position = startOf(request, request.query.since)
    if (request.method === 'HEAD') return reply.headers(streamHeaders).send(bodyOf(Readable.from([])))
    const stream = await app.live.listen(sub, position, { session, until: exp * 1000 })
    if (typeof stream === 'string') return refuse(reply, stream)
    // From its end on, a client that does not read the rest is disconnected as usual.
    allowSilence(reply.raw, true)
    stream.once('close', () => { allowSilence(reply.raw, false) })
    return reply.headers(streamHeaders).send(bodyOf(stream))
  })
}

/** The reply's type, made for the document, says text; the body is a stream. */
const bodyOf = (stream: Readable) => stream as never

const invalid = { loc: ['query', 'since'], ...sinceIssue }

/** @throws ValidationFailed for a text that is not a position of this owner */
function sinceOf ({ user }: FastifyRequest, since: string | undefined): Position | undefined {
  if (since === undefined) return undefined
  const position = positionOf(since, user.sub)
  if (!position) throw new ValidationFailed([invalid])
  return position
}

/**
 * Where a stream begins. A browser reconnects to its first URL, with the id of the last event, which takes precedence.
 * @returns null for an invalid Last-Event-ID, which only the stream itself can report to the client; undefined for now
 * @throws ValidationFailed as `sinceOf`
 */
function startOf (request: FastifyRequest, since: string | undefined): Position | null | undefined {
  const { 'last-event-id': id = '' } = request.headers as { 'last-event-id'?: string }
  return id === '' ? sinceOf(request, since) : positionOf(id, request.user.sub)
}

/** @throws TOO_MANY_REQUESTS, OVERLOADED or INVALID_CREDENTIALS, always */
function refuse (reply: FastifyReply, why: 'too many' | 'full' | 'owner gone'): never {
  if (why === 'full') throw new Overloaded('streams')
  if (why === 'owner gone') throw new ApiError('INVALID_CREDENTIALS')
  reply.header('retry-after', RETRY)
  throw new ApiError('TOO_MANY_REQUESTS')
}

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { apiAnswers, bodyErrors } from '../../errors/answers.js'
import { ApiError, ValidationFailed } from '../../errors/api-error.js'
import { NoQuery, ref } from '../../schemas/common.js'
import { IdempotencyKey, IfNoneMatch, Task, TaskCreate, TaskPage, TaskQuery, keyIssue, type OwnerPath } from '../../schemas/tasks.js'
import { documented, sharedBy, titleMissing, type Mount } from './mount.js'
import { pageOf } from './pages.js'
import { tagged } from './tagged.js'

/** The list, and the way into it. */
export const collectionRoutes: FastifyPluginAsyncTypebox<Mount> = async (app, mount) => {
  const { suffix, collectionPath } = mount
  const { shared, everywhere } = sharedBy(mount)
  const collection = { ...shared, ...(collectionPath && { params: collectionPath }) }

  /** The list that was asked for, on this mount. Of the request's own target nothing is repeated: it may name another host. */
  const listOf = ({ params }: FastifyRequest) => app.prefix.replace(':user_id', (params as Partial<OwnerPath>).user_id!)

  app.get('', {
    schema: {
      ...collection,
      operationId: `listTasks${suffix}`,
      summary: 'List tasks',
      description: 'Newest first, or in the order of `sort`. Page by `offset`, with an exact total, or by `cursor`, at the same cost at any depth. ' +
        'With the `ETag` of a page as `If-None-Match`, the answer is 304 as long as no task has changed.',
      headers: IfNoneMatch,
      querystring: TaskQuery,
      response: {
        200: ref(TaskPage, { description: 'A page of tasks', headers: { ...documented.listEtag, ...documented.link } }),
        304: { type: 'null', description: 'No task of the owner has changed since the page of `If-None-Match`', headers: documented.listEtag },
        ...apiAnswers(everywhere, [
          { loc: ['query', 'limit'], msg: 'must be at most 100', type: 'value_error.number.not_le' }
        ])
      }
    }
  }, async (request, reply) => {
    const { tag, page, next } = await pageOf(request.tasks, request.query, request.headers['if-none-match'])
    reply.header('etag', tag)
    if (!page) return reply.code(304).send()
    if (next) reply.header('link', `<${listOf(request)}?${next.toString()}>; rel="next"`)
    return page
  })

  app.post('', {
    schema: {
      ...collection,
      operationId: `createTask${suffix}`,
      summary: 'Create a task',
      description: 'The new task is open and belongs to the token\'s user. With an `Idempotency-Key` the request can be repeated ' +
        'after a lost answer and still creates one task.',
      headers: IdempotencyKey,
      querystring: NoQuery,
      body: ref(TaskCreate),
      response: {
        201: ref(Task, { description: 'The new task', headers: { ...documented.location, ...documented.etag, ...documented.replayed } }),
        ...apiAnswers([...bodyErrors, ...everywhere], titleMissing)
      }
    }
  }, async (request, reply) => {
    const created = await createdBy(request.tasks, request.body, request.headers['idempotency-key'])
    if (created.replayed) reply.header('idempotency-replayed', 'true')
    return reply.code(201).header('location', `${listOf(request)}/${created.task.id}`).send(tagged(reply, created))
  })
}

/**
 * @param key of the client, for this task alone
 * @returns the new task, or the one that the key has created before, as it was then
 * @throws ValidationFailed for a key of another task
 * @throws INVALID_CREDENTIALS when the owner is gone
 */
async function createdBy (tasks: FastifyRequest['tasks'], body: TaskCreate, key: string | undefined) {
  const { title, description = null, due_date: dueDate = null } = body
  const content = { title, description, dueDate }
  const created = key === undefined
    ? await tasks.create(content)
    : await tasks.createOnce(key, content)
  if (created === 'another') throw new ValidationFailed([{ loc: ['header', 'idempotency-key'], ...keyIssue }])
  if (!created) throw new ApiError('INVALID_CREDENTIALS')
  return { replayed: false, ...created }
}

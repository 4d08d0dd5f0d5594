import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { apiAnswers, bodyErrors, tokenErrors } from '../../errors/answers.js'
import { ApiError } from '../../errors/api-error.js'
import type { ErrorCode } from '../../errors/catalogue.js'
import { NoQuery, ref } from '../../schemas/common.js'
import {
  Task, TaskCompletion, TaskCreate, TaskPage, TaskQuery, TaskUpdate, type OwnerPath, type OwnerTaskPath, type TaskPath
} from '../../schemas/tasks.js'
import { pageOf } from './pages.js'

/** How one mount of the routes differs from the other. */
export interface Mount {
  tag: string
  /** Operation ids are unique: this is added to each. */
  suffix: string
  /** The path parameters, of the list and of one task. */
  collectionPath: typeof OwnerPath | undefined
  itemPath: typeof TaskPath | typeof OwnerTaskPath
  /** What the mount's guard can answer. */
  errors: readonly ErrorCode[]
}

/** The six operations on tasks. `request.tasks` is all they can reach: the tasks of whoever asks. */
export const taskRoutes: FastifyPluginAsyncTypebox<Mount> = async (app, { tag, suffix, collectionPath, itemPath, errors }) => {
  const everywhere = [...tokenErrors, ...errors]
  const onTask = [...everywhere, 'FOREIGN_TASK', 'TASK_NOT_FOUND'] as const
  const shared = { tags: [tag], security: [{ bearer: [] }] }
  const collection = { ...shared, ...(collectionPath && { params: collectionPath }) }
  const item = { ...shared, params: itemPath as typeof TaskPath, querystring: NoQuery }

  /** The list that was asked for, on this mount. Of the request's own target nothing is repeated: it may name another host. */
  const listOf = ({ params }: FastifyRequest) => app.prefix.replace(':user_id', (params as Partial<OwnerPath>).user_id!)

  app.get('', {
    schema: {
      ...collection,
      operationId: `listTasks${suffix}`,
      summary: 'List tasks',
      description: 'Newest first. Page by `offset`, with the exact total, or by `cursor`, at the same cost however deep.',
      querystring: TaskQuery,
      response: {
        200: ref(TaskPage, { description: 'A page of tasks', headers: { Link: linkHeader } }),
        ...apiAnswers(everywhere, [
          { loc: ['query', 'limit'], msg: 'must be at most 100', type: 'value_error.number.not_le' }
        ])
      }
    }
  }, async (request, reply) => {
    const { page, next } = await pageOf(request.tasks, request.query)
    if (next) reply.header('link', `<${listOf(request)}?${next.toString()}>; rel="next"`)
    return page
  })

  app.post('', {
    schema: {
      ...collection,
      operationId: `createTask${suffix}`,
      summary: 'Create a task',
      description: 'The new task is open and belongs to the token\'s user.',
      querystring: NoQuery,
      body: ref(TaskCreate),
      response: {
        201: ref(Task, { description: 'The new task', headers: { Location: locationHeader } }),
        ...apiAnswers([...bodyErrors, ...everywhere], titleMissing)
      }
    }
  }, async (request, reply) => {
    const { title, description = null, due_date: dueDate = null } = request.body
    const created = await request.tasks.create({ title, description, dueDate })
    if (!created) throw new ApiError('INVALID_CREDENTIALS')
    const { task } = created
    return reply.code(201).header('location', `${listOf(request)}/${task.id}`).send(task)
  })

  app.get('/:task_id', {
    schema: {
      ...item,
      operationId: `getTask${suffix}`,
      summary: 'Read a task',
      description: "Only its owner's token can read it.",
      response: { 200: ref(Task, { description: 'The task' }), ...apiAnswers(onTask, idMalformed) }
    }
  }, async (request) => {
    const { task_id: id } = request.params
    const found = await request.tasks.find(id)
    return found ? found.task : await missing(request, id)
  })

  app.put('/:task_id', {
    schema: {
      ...item,
      operationId: `updateTask${suffix}`,
      summary: 'Replace a task\'s content',
      description: 'Title and description, as a whole: without a description it becomes null. Whether it is done stays.',
      body: ref(TaskUpdate),
      response: { 200: ref(Task, { description: 'The task as it is now' }), ...apiAnswers([...bodyErrors, ...onTask], titleMissing) }
    }
  }, async (request) => {
    const { task_id: id } = request.params
    const { title, description = null, due_date: dueDate } = request.body
    const updated = await request.tasks.update(id, { title, description, ...(dueDate !== undefined && { dueDate }) })
    return updated ? updated.task : await missing(request, id)
  })

  app.patch('/:task_id/complete', {
    schema: {
      ...item,
      operationId: `completeTask${suffix}`,
      summary: 'Complete or reopen a task',
      description: 'With a body it becomes what the body says; without one it becomes the other of the two.',
      body: ref(TaskCompletion, { 'x-optional': true }),
      response: { 200: ref(Task, { description: 'The task as it is now' }), ...apiAnswers([...bodyErrors, ...onTask], completionMissing) }
    }
  }, async (request) => {
    const { task_id: id } = request.params
    const body = request.body as TaskCompletion | undefined
    const completed = await request.tasks.complete(id, body?.is_completed ?? null)
    return completed ? completed.task : await missing(request, id)
  })

  await app.register(async (bodiless) => {
    // A body is ignored, whatever it is or says it is (RFC 9110 §9.3.5 gives it no meaning).
    bodiless.addHook('onRequest', ({ headers }, _reply, done) => {
      delete headers['content-type']
      done()
    })
    bodiless.removeAllContentTypeParsers()
    bodiless.addContentTypeParser('*', (_request, body, done) => {
      body.resume()
      done(null)
    })

    bodiless.delete('/:task_id', {
      schema: {
        ...item,
        operationId: `deleteTask${suffix}`,
        summary: 'Delete a task',
        description: 'For good.',
        response: { 204: { type: 'null', description: 'It is gone' }, ...apiAnswers(onTask, idMalformed) }
      }
    }, async (request, reply) => {
      const { task_id: id } = request.params as TaskPath
      if (!await request.tasks.remove(id)) await missing(request, id)
      return reply.code(204).send()
    })
  })
}

/**
 * The answer to a miss: only now it matters whose the task is, and whether the token's user still exists.
 * @throws FOREIGN_TASK, TASK_NOT_FOUND or INVALID_CREDENTIALS, always
 */
async function missing (request: FastifyRequest, id: string): Promise<never> {
  const codes = { foreign: 'FOREIGN_TASK', absent: 'TASK_NOT_FOUND', changed: 'TASK_NOT_FOUND', 'owner gone': 'INVALID_CREDENTIALS' } as const
  throw new ApiError(codes[await request.tasks.explain(id)])
}

const locationHeader = { type: 'string', description: 'Where the new task is' }
const linkHeader = { type: 'string', description: '`<…>; rel="next"`: the next page, where there is one (RFC 8288)' }

const titleMissing = [{ loc: ['body', 'title'], msg: 'is required', type: 'value_error.missing' }]
const completionMissing = [{ loc: ['body', 'is_completed'], msg: 'is required', type: 'value_error.missing' }]
const idMalformed = [{ loc: ['path', 'task_id'], msg: 'must be a UUID, 8-4-4-4-12 hexadecimal digits', type: 'value_error.uuid' }]

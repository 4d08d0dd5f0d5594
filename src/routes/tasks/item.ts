import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { apiAnswers, bodyErrors } from '../../errors/answers.js'
import { acceptPatch, takes } from '../../http/accept-patch.js'
import { statesOf } from '../../http/entity-tag.js'
import { ignoreBody } from '../../http/ignored-body.js'
import { jsonBody } from '../../http/json-body.js'
import { NoQuery, ref } from '../../schemas/common.js'
import { IfMatch, IfNoneMatch, Task, TaskCompletion, TaskPatch, TaskUpdate, type TaskPath } from '../../schemas/tasks.js'
import { documented, idOf, sharedBy, titleMissing, type Mount } from './mount.js'
import { missing, sendUnlessKnown, tagged } from './tagged.js'

const MERGE_PATCH = 'application/merge-patch+json'

/** The names of the other routes are not ids: other methods are 405 there. Everything else is an id, perhaps malformed. */
const TASK_ID = ':task_id(^(?!changes$|events$)[^]*)'

/** The operations on one task. */
export const itemRoutes: FastifyPluginAsyncTypebox<Mount> = async (app, mount) => {
  const { suffix, itemPath } = mount
  const { shared, everywhere } = sharedBy(mount)
  const item = { ...shared, params: itemPath as typeof TaskPath, querystring: NoQuery }
  const onTask = [...everywhere, 'FOREIGN_TASK', 'TASK_NOT_FOUND'] as const
  const onWrite = [...onTask, 'PRECONDITION_FAILED'] as const
  const onBody = [...bodyErrors, ...onWrite] as const
  const written = ref(Task, { description: 'The task as it is now', headers: documented.etag })

  app.get(`/${TASK_ID}`, {
    schema: {
      ...item,
      operationId: `getTask${suffix}`,
      summary: 'Read a task',
      description: "Only its owner's token can read it.",
      headers: IfNoneMatch,
      response: {
        200: ref(Task, { description: 'The task', headers: documented.etag }),
        304: { type: 'null', description: 'The task is in the state that `If-None-Match` names', headers: documented.etag },
        ...apiAnswers(onTask, idMalformed)
      }
    }
  }, async (request, reply) => {
    const found = await request.tasks.find(idOf(request))
    return found ? sendUnlessKnown(request, reply, found) : await missing(request, reply)
  })

  app.put(`/${TASK_ID}`, {
    schema: {
      ...item,
      operationId: `updateTask${suffix}`,
      summary: 'Replace a task\'s content',
      description: 'Replaces title and description; an absent description becomes null. `is_completed` stays as it is, and so ' +
        'does an absent `due_date`.',
      headers: IfMatch,
      body: ref(TaskUpdate),
      response: { 200: written, ...apiAnswers(onBody, titleMissing) }
    }
  }, async (request, reply) => {
    const states = statesOf(request.headers['if-match'])
    const { title, description = null, due_date: dueDate } = request.body
    const updated = await request.tasks.update(idOf(request), { title, description, dueDate }, states)
    return updated ? tagged(reply, updated) : await missing(request, reply, states)
  })

  await app.register(async (patching) => {
    patching.addContentTypeParser(MERGE_PATCH, { parseAs: 'buffer' }, jsonBody)
    const types = ['application/json', MERGE_PATCH]

    patching.patch(`/${TASK_ID}`, {
      onError: takes(...types),
      schema: {
        ...item,
        operationId: `patchTask${suffix}`,
        summary: 'Change parts of a task',
        description: 'A JSON merge patch (RFC 7396): absent members stay as they are, null clears.',
        headers: IfMatch,
        consumes: types,
        body: ref(TaskPatch),
        response: { 200: written, ...apiAnswers(onBody, titleNull, acceptPatch) }
      }
    }, async (request, reply) => {
      const states = statesOf(request.headers['if-match'])
      const { title, description, due_date: dueDate, is_completed: completed } = request.body as TaskPatch
      const patched = await request.tasks.patch(idOf(request), { title, description, dueDate, completed }, states)
      return patched ? tagged(reply, patched) : await missing(request, reply, states)
    })
  })

  app.patch(`/${TASK_ID}/complete`, {
    onError: takes('application/json'),
    schema: {
      ...item,
      operationId: `completeTask${suffix}`,
      summary: 'Complete or reopen a task',
      description: 'Sets `is_completed` as the body says, or toggles it when there is no body.',
      headers: IfMatch,
      body: ref(TaskCompletion, { 'x-optional': true }),
      response: { 200: written, ...apiAnswers(onBody, completionMissing, acceptPatch) }
    }
  }, async (request, reply) => {
    const states = statesOf(request.headers['if-match'])
    const body = request.body as TaskCompletion | undefined
    const completed = await request.tasks.complete(idOf(request), body?.is_completed ?? null, states)
    return completed ? tagged(reply, completed) : await missing(request, reply, states)
  })

  await app.register(async (bodiless) => {
    ignoreBody(bodiless)

    bodiless.delete(`/${TASK_ID}`, {
      schema: {
        ...item,
        operationId: `deleteTask${suffix}`,
        summary: 'Delete a task',
        description: 'Deletes it permanently.',
        headers: IfMatch,
        response: { 204: { type: 'null', description: 'The task is deleted' }, ...apiAnswers(onWrite, idMalformed) }
      }
    }, async (request, reply) => {
      const states = statesOf(request.headers['if-match'])
      if (!await request.tasks.remove(idOf(request), states)) await missing(request, reply, states)
      return reply.code(204).send()
    })
  })
}

const titleNull = [{ loc: ['body', 'title'], msg: 'must be text', type: 'type_error.string' }]
const completionMissing = [{ loc: ['body', 'is_completed'], msg: 'is required', type: 'value_error.missing' }]
const idMalformed = [{ loc: ['path', 'task_id'], msg: 'must be a UUID, 8-4-4-4-12 hexadecimal digits', type: 'value_error.uuid' }]

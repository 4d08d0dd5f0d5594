import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '../../errors/api-error.js'
import { isKnown, tagOf } from '../../http/entity-tag.js'
import type { Task } from '../../schemas/tasks.js'
import { idOf } from './mount.js'

/** A task, and the number of its newest change. */
interface Found { task: Task, revision: number }

/** What `statesOf` makes of an If-Match. */
type States = Parameters<FastifyRequest['tasks']['explain']>[1]

const tagOfTask = ({ task, revision }: Found) => tagOf({ revision, time: Date.parse(task.updated_at) })

/** @returns the task to send, with its tag among the headers */
export function tagged (reply: FastifyReply, found: Found): Task {
  reply.header('etag', tagOfTask(found))
  return found.task
}

/** Sends the task, or 304 if the client has this state. */
export function sendUnlessKnown (request: FastifyRequest, reply: FastifyReply, found: Found): FastifyReply {
  const task = tagged(reply, found)
  return isKnown(request.headers['if-none-match'], tagOfTask(found)) ? reply.code(304).send() : reply.send(task)
}

/**
 * The answer when no task was found: only now it is asked who owns it, and whether the token's user still exists.
 * @param states the ones that were asked for
 * @throws FOREIGN_TASK, TASK_NOT_FOUND, INVALID_CREDENTIALS or PRECONDITION_FAILED, with the present tag; always one of them
 */
export async function missing (request: FastifyRequest, reply: FastifyReply, states?: States): Promise<never> {
  const why = await request.tasks.explain(idOf(request), states)
  if (typeof why === 'string') throw new ApiError(CODES[why])
  reply.header('etag', tagOf(why))
  throw new ApiError('PRECONDITION_FAILED')
}

const CODES = { foreign: 'FOREIGN_TASK', absent: 'TASK_NOT_FOUND', 'owner gone': 'INVALID_CREDENTIALS' } as const

import type { FastifyRequest } from 'fastify'
import { tokenErrors } from '../../errors/answers.js'
import type { ErrorCode } from '../../errors/catalogue.js'
import type { OwnerPath, OwnerTaskPath, TaskPath } from '../../schemas/tasks.js'

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

/** What every operation of a mount has in its schema, and what it can answer before its handler. */
export const sharedBy = ({ tag, errors }: Mount) => ({
  shared: { tags: [tag], security: [{ bearer: [] }] },
  everywhere: [...tokenErrors, ...errors]
})

/** The task of a request. */
export const idOf = ({ params }: FastifyRequest): string => (params as TaskPath).task_id

/** What a 422 says of a body without a title. */
export const titleMissing = [{ loc: ['body', 'title'], msg: 'is required', type: 'value_error.missing' }]

const text = (description: string) => ({ type: 'string', description })

/** The headers of successes, as they are documented. */
export const documented = {
  etag: { ETag: text('The state of the task, for `If-Match` and `If-None-Match`') },
  listEtag: { ETag: text('The state of all tasks of the owner, for `If-None-Match`') },
  location: { Location: text('Where the new task is') },
  replayed: { 'Idempotency-Replayed': text('`true` if the task was created by an earlier request with the same `Idempotency-Key`') },
  link: { Link: text('`<…>; rel="next"`: the next page, if there is one (RFC 8288)') }
}

import type { FastifyRequest } from 'fastify'
import { ApiError, ValidationFailed } from '../../errors/api-error.js'
import { cursorIssue, type Task, type TaskPage, type TaskQuery } from '../../schemas/tasks.js'
import { cursorOf, positionOf } from './cursor.js'

type OwnedTasks = FastifyRequest['tasks']

/** A page, and the query of the page after it. */
interface Page { page: TaskPage, next: URLSearchParams | null }

/**
 * A page of tasks, by cursor or by offset.
 * @throws ValidationFailed for a cursor that is not one of this list, or that comes with an offset
 * @throws INVALID_CREDENTIALS when the owner is gone
 */
export async function pageOf (tasks: OwnedTasks, query: TaskQuery): Promise<Page> {
  return query.cursor === undefined ? await offsetPage(tasks, query) : await cursorPage(tasks, query, query.cursor)
}

// Both ask for one task more than they show, which tells whether there is a next page.

async function offsetPage (tasks: OwnedTasks, { limit, offset = 0, is_completed: completed }: TaskQuery): Promise<Page> {
  const found = await tasks.list(limit + 1, offset, { completed })
  if (!found) throw new ApiError('INVALID_CREDENTIALS')
  const { shown, next_cursor: cursor } = cut(found.tasks, limit, completed)
  return {
    page: { tasks: shown, total: found.total, limit, offset, next_cursor: cursor },
    next: cursor === null ? null : queryOf({ limit, offset: offset + limit, is_completed: completed })
  }
}

async function cursorPage (tasks: OwnedTasks, query: TaskQuery, given: string): Promise<Page> {
  const { limit, offset, is_completed: completed } = query
  if (offset !== undefined) throw invalidCursor('must not come together with offset')
  const after = positionOf(given, completed)
  if (!after) throw invalidCursor()
  const found = await tasks.listAfter(limit + 1, { key: after.created_at, id: after.id }, { completed })
  if (!found) throw new ApiError('INVALID_CREDENTIALS')
  const { shown, next_cursor: cursor } = cut(found.tasks, limit, completed)
  return {
    page: { tasks: shown, limit, next_cursor: cursor },
    next: cursor === null ? null : queryOf({ limit, cursor, is_completed: completed })
  }
}

function cut (found: Task[], limit: number, completed?: boolean): { shown: Task[], next_cursor: string | null } {
  if (found.length <= limit) return { shown: found, next_cursor: null }
  return { shown: found.slice(0, limit), next_cursor: cursorOf(found[limit - 1]!, completed) }
}

function queryOf (query: TaskQuery): URLSearchParams {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return given
}

const invalidCursor = (msg: string = cursorIssue.msg) => new ValidationFailed([{ loc: ['query', 'cursor'], ...cursorIssue, msg }])

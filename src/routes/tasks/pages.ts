import type { FastifyRequest } from 'fastify'
import { ApiError, ValidationFailed } from '../../errors/api-error.js'
import { isKnown, listTagOf } from '../../http/entity-tag.js'
import { cursorIssue, type Task, type TaskPage, type TaskQuery } from '../../schemas/tasks.js'
import { cursorOf, positionOf } from './cursor.js'

type OwnedTasks = FastifyRequest['tasks']

/** The tag of the list; the page, unless the client has it already; and the query of the next page. */
interface Answer { tag: string, page?: TaskPage, next?: URLSearchParams | null }

/**
 * A page of tasks, by cursor or by offset.
 * @param known the If-None-Match of the request: with it one row is read first, and no tasks when the client is up to date
 * @throws ValidationFailed for a cursor that is not one of this list, or that comes with an offset
 * @throws INVALID_CREDENTIALS when the owner is gone
 */
export async function pageOf (tasks: OwnedTasks, query: TaskQuery, known?: string): Promise<Answer> {
  const after = query.cursor === undefined ? undefined : startOf(query, query.cursor)
  if (known !== undefined) {
    const tag = listTagOf(present(await tasks.state()))
    if (isKnown(known, tag)) return { tag }
  }
  return after ? await cursorPage(tasks, query, after) : await offsetPage(tasks, query)
}

type Position = NonNullable<ReturnType<typeof positionOf>>

/** Where the page begins. @throws ValidationFailed */
function startOf (query: TaskQuery, cursor: string): Position {
  if (query.offset !== undefined) throw invalidCursor('must not come together with offset')
  const position = positionOf(cursor, query)
  if (!position) throw invalidCursor()
  return position
}

// Both ask for one task more than they show, which tells whether there is a next page.

async function offsetPage (tasks: OwnedTasks, query: TaskQuery): Promise<Answer> {
  const { limit, offset = 0 } = query
  const found = present(await tasks.list(limit + 1, offset, listOf(query)))
  const { shown, next_cursor: cursor } = cut(found.tasks, query)
  return {
    tag: listTagOf(found),
    page: { tasks: shown, total: found.total, limit, offset, next_cursor: cursor },
    next: cursor === null ? null : queryOf({ limit, offset: offset + limit }, query)
  }
}

async function cursorPage (tasks: OwnedTasks, query: TaskQuery, after: Position): Promise<Answer> {
  const { limit } = query
  const found = present(await tasks.listAfter(limit + 1, after, listOf(query)))
  const { shown, next_cursor: cursor } = cut(found.tasks, query)
  return {
    tag: listTagOf(found),
    page: { tasks: shown, limit, next_cursor: cursor },
    next: cursor === null ? null : queryOf({ limit, cursor }, query)
  }
}

/** The list of a query, in the repository's words. */
const listOf = ({ sort, is_completed: completed, due_after: dueAfter, due_before: dueBefore, q }: TaskQuery) =>
  ({ sort, completed, dueAfter, dueBefore, q })

/** @throws INVALID_CREDENTIALS when nothing was found, as the owner is gone */
function present<Found> (found: Found | null): Found {
  if (!found) throw new ApiError('INVALID_CREDENTIALS')
  return found
}

function cut (found: Task[], query: TaskQuery): { shown: Task[], next_cursor: string | null } {
  const { limit } = query
  if (found.length <= limit) return { shown: found, next_cursor: null }
  return { shown: found.slice(0, limit), next_cursor: cursorOf(found[limit - 1]!, query) }
}

/** The place of another page, and the list that both are of. */
function queryOf (place: Partial<TaskQuery>, { limit, offset, cursor, ...list }: TaskQuery): URLSearchParams {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...place, ...list })) if (value !== undefined) given.set(name, String(value))
  return given
}

const invalidCursor = (msg: string = cursorIssue.msg) => new ValidationFailed([{ loc: ['query', 'cursor'], ...cursorIssue, msg }])

import { createHash } from 'node:crypto'
import { isDate } from '../../schemas/common.js'
import type { Task, TaskQuery } from '../../schemas/tasks.js'

/** What identifies a list: its order and its filters. */
type List = Pick<TaskQuery, 'sort' | 'is_completed' | 'due_after' | 'due_before' | 'q'>

/** Where a page begins: after the task of this id and this value of what the list is sorted by; null is not due. */
interface Position { key: string | null, id: string }

/** List, key, id. The key is milliseconds since 1970 in base 36 (nine digits are the year 5188), or a day, or nothing. */
const CURSOR = /^[\w-]+\.([0-9a-z-]{0,10})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/
const TIME = /^[0-9a-z]{1,9}$/

/** The lists of version 1.0: all, done and open tasks. */
const filterOf = (completed: boolean | undefined) => completed === undefined ? 'a' : completed ? 'd' : 'o'

/** The order of 1.0 has no name, so that its cursors stay valid. */
const ORDERS = { '-created_at': '', created_at: 'c', due_date: 'd' } as const

/** The name of a list; a long one is replaced by the beginning of its hash. */
function nameOf ({ sort = '-created_at', is_completed: completed, due_after: after, due_before: before, q }: List): string {
  const name = filterOf(completed) + ORDERS[sort]
  if (after === undefined && before === undefined && q === undefined) return name
  return name + createHash('sha256').update(JSON.stringify([after, before, q])).digest('base64url').slice(0, 12)
}

/**
 * The place of a task in a list, as opaque text. It says where, never whose: it is worth nothing without its owner's token.
 * @param list the cursor holds for that list only
 */
export const cursorOf = (task: Pick<Task, 'created_at' | 'due_date' | 'id'>, list: List): string =>
  written({ key: list.sort === 'due_date' ? task.due_date : task.created_at, id: task.id }, list)

function written ({ key, id }: Position, list: List): string {
  const place = list.sort === 'due_date' ? key ?? '' : Date.parse(key!).toString(36)
  return Buffer.from(`${nameOf(list)}.${place}.${id}`).toString('base64url')
}

/** @returns the position, or null for text that is not a cursor of this list */
export function positionOf (cursor: string, list: List): Position | null {
  const [, place, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? []
  const key = place === undefined ? undefined : list.sort === 'due_date' ? dayOf(place) : timeOf(place)
  if (key === undefined) return null
  const position = { key, id: id! }
  // Only the canonical spelling is accepted, for this list only.
  return cursor === written(position, list) ? position : null
}

const dayOf = (place: string) => place === '' ? null : isDate(place) ? place : undefined
const timeOf = (place: string) => TIME.test(place) ? new Date(Number.parseInt(place, 36)).toISOString() : undefined

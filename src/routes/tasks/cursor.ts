import type { Task } from '../../schemas/tasks.js'

/** Where a page begins: after this task. */
type Position = Pick<Task, 'created_at' | 'id'>

/** Filter (all, done, open), milliseconds since 1970 in base 36 (nine digits are the year 5188), id. */
const CURSOR = /^([ado])\.([0-9a-z]{1,9})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

const filterOf = (completed: boolean | undefined) => completed === undefined ? 'a' : completed ? 'd' : 'o'

/**
 * A position in a list as opaque text. It says where, never whose: it is worth nothing without its owner's token.
 * @param completed the filter of the list; the cursor holds for that list only
 */
export function cursorOf ({ created_at: createdAt, id }: Position, completed: boolean | undefined): string {
  const text = `${filterOf(completed)}.${Date.parse(createdAt).toString(36)}.${id}`
  return Buffer.from(text).toString('base64url')
}

/** @returns the position, or null for text that is not a cursor of this list */
export function positionOf (cursor: string, completed: boolean | undefined): Position | null {
  const [, , time, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? []
  if (!time || !id) return null
  const position = { created_at: new Date(Number.parseInt(time, 36)).toISOString(), id }
  // Written again it has to be the same text: no second spelling, and no other list's filter.
  return cursor === cursorOf(position, completed) ? position : null
}

import type { Task } from 'todo-backend-client'
import { byId, within } from './page.js'
import { rowOf, type Row } from './row.js'
import type { Write } from './tasks.js'

const list = byId('tasks', HTMLUListElement)
const heading = byId('tasks-title', HTMLElement)

/** What is shown, by the ids of the tasks. */
const rows = new Map<string, Row>()

/** A task that was made here has its real id now: its row stays, with the focus and with what is typed there. */
export function rename (local: string, id: string): void {
  const row = rows.get(local)
  if (!row) return
  rows.delete(local)
  if (rows.has(id)) row.item.remove()
  else rows.set(id, row)
}

/** Shows these tasks, in this order. A row that is being edited stays, whatever becomes of its task. */
export function showRows (tasks: Task[], write: Write): void {
  const focused = document.activeElement
  const items = tasks.map((task) => {
    const row = rows.get(task.id) ?? rowOf(task, write)
    rows.set(task.id, row)
    row.show(task)
    return row.item
  })
  const wanted = new Set<Element>(items)
  for (const [id, row] of rows) if (!wanted.has(row.item) && !row.isEdited()) takeAway(id, row)

  let place = list.firstElementChild
  for (const item of items) {
    // Rows that stay though they are not wanted.
    while (place && !wanted.has(place)) place = place.nextElementSibling
    if (place === item) place = item.nextElementSibling
    else list.insertBefore(item, place)
  }
  // A row that has moved has lost it.
  if (focused instanceof HTMLElement && focused.isConnected && document.activeElement !== focused) focused.focus()
}

/** Removes a row. The focus, if it was there, goes to the next one, or to the one before, or to the heading. */
function takeAway (id: string, { item }: Row): void {
  const hadFocus = item.contains(document.activeElement)
  const neighbour = item.nextElementSibling ?? item.previousElementSibling
  item.remove()
  rows.delete(id)
  if (!hadFocus) return
  if (neighbour) within(neighbour, 'input', HTMLInputElement).focus()
  else heading.focus()
}

export function clearRows (): void {
  rows.clear()
  list.replaceChildren()
}

import type { Failure, Task, TaskQuery } from 'todo-backend-client'
import { byDate, isOver } from './dates.js'
import { openEditor } from './editor.js'
import { content, onSubmit, reset, typed } from './forms.js'
import { byId, complain, fromTemplate, onAction, say, within } from './page.js'
import { loggedIn, todo } from './session.js'
import { textOf } from './texts.js'

/** Tasks of one page of the list. */
const PAGE = 10

const newTask = byId('new', HTMLFormElement)
const find = byId('find', HTMLFormElement)
const sort = byId('sort', HTMLSelectElement)
const heading = byId('tasks-title', HTMLElement)
const list = byId('tasks', HTMLUListElement)
const more = byId('more', HTMLButtonElement)

/** Where the list goes on; null when all of it is here. */
let cursor: string | null = null

/** Shows the first page of the tasks of whoever is logged in. */
export async function start (): Promise<void> {
  clear()
  await load()
}

/** Leaves nothing on the page for whoever comes next. */
export function clear (): void {
  reset(newTask)
  reset(find)
  list.replaceChildren()
  changed(null)
}

/** The list that the person wants to see. */
function wanted (): TaskQuery {
  const q = typed(find, 'q').trim()
  return { limit: PAGE, sort: sort.value as NonNullable<TaskQuery['sort']>, ...(q && { q }) }
}

/** What is shown: a page of another list that comes too late is left away. */
let query = wanted()

/** Shows the first page of what is wanted now. @returns the failure, if it was one */
async function load (): Promise<Failure | undefined> {
  const asked = query = wanted()
  const result = await loggedIn(async () => todo.tasks.list(asked))
  if (asked !== query) return
  if (!result.ok) {
    complain(textOf(result))
    return result
  }
  list.replaceChildren(...result.body.tasks.map(row))
  changed(result.body.next_cursor)
}

/** Shows the page after what is shown. */
async function loadMore (): Promise<void> {
  const asked = query
  const result = await loggedIn(async () => todo.tasks.list({ ...asked, ...(cursor !== null && { cursor }) }))
  if (asked !== query) return
  if (!result.ok) return complain(textOf(result))
  const rows = result.body.tasks.map(row)
  list.append(...rows)
  changed(result.body.next_cursor)
  if (rows[0]) within(rows[0], 'input', HTMLInputElement).focus()
}

/** Looks for what was typed, and tells how it went. */
async function search (): Promise<Failure | undefined> {
  const failure = await load()
  if (failure) return failure
  say(cursor === null ? `Found: ${list.children.length}` : `Found: more than ${list.children.length}`)
}

function changed (next: string | null): void {
  cursor = next
  more.hidden = next === null
  byId('none', HTMLElement).hidden = list.children.length > 0 || next !== null
}

onSubmit(find, search)
sort.addEventListener('change', () => { find.requestSubmit() })

/** The key of a creation stays until it has an answer: sent again after a lost one, it is still one task. */
let creation = { of: '', key: '' }

onSubmit(newTask, async () => {
  const task = content(newTask)
  const of = JSON.stringify(task)
  if (creation.of !== of) creation = { of, key: crypto.randomUUID() }
  const result = await loggedIn(async () => todo.tasks.create(task, { idempotencyKey: creation.key }))
  if (!result.ok) return result
  creation = { of: '', key: '' }
  reset(newTask)
  // Newest first, and not searched: it comes first. Else only the server knows where.
  if (query.sort === '-created_at' && query.q === undefined) list.prepend(row(result.body))
  else await load()
  changed(cursor)
  say(`Added ${result.body.title}`)
  within(newTask, 'input', HTMLInputElement).focus()
})

onAction(more, loadMore)

/** A task as a row of the list. */
function row (task: Task): HTMLLIElement {
  const item = fromTemplate('task', HTMLLIElement)
  const done = within(item, 'input', HTMLInputElement)
  const due = within(item, '.due', HTMLElement)
  const edit = within(item, '.edit', HTMLButtonElement)
  const remove = within(item, '.delete', HTMLButtonElement)
  within(item, '.title', HTMLElement).textContent = task.title
  within(item, '.description', HTMLElement).textContent = task.description
  edit.ariaLabel = `Edit ${task.title}`
  remove.ariaLabel = `Delete ${task.title}`
  showCompletion()

  function showCompletion () {
    done.checked = task.is_completed
    item.classList.toggle('completed', task.is_completed)
    const late = task.due_date !== null && !task.is_completed && isOver(task.due_date)
    due.classList.toggle('overdue', late)
    due.textContent = task.due_date === null ? '' : `${late ? 'Overdue: ' : 'Due '}${byDate(task.due_date)}`
  }

  onAction(done, async () => {
    const result = await loggedIn(async () => todo.tasks.complete(task.id, !task.is_completed))
    if (!result.ok) return lost(item, result)
    task = result.body
    showCompletion()
    say(`${task.title} is ${task.is_completed ? 'done' : 'open'}`)
  })
  onAction(edit, async () => {
    const failure = await openEditor(item, task.id, row)
    if (failure) lost(item, failure)
  })
  onAction(remove, async () => {
    const result = await loggedIn(async () => todo.tasks.remove(task.id))
    if (!result.ok) return lost(item, result)
    takeAway(item)
    say(`Deleted ${task.title}`)
  })
  return item
}

/** A task that is gone leaves the list; of any other failure the reason is told. */
function lost (item: HTMLLIElement, failure: Failure): void {
  if (failure.status === 404) takeAway(item)
  complain(textOf(failure))
}

/** Removes a row. The focus goes to the next one, or to the one before, or to the heading. */
function takeAway (item: HTMLLIElement): void {
  const neighbour = item.nextElementSibling ?? item.previousElementSibling
  item.remove()
  changed(cursor)
  if (neighbour) within(neighbour, 'input', HTMLInputElement).focus()
  else heading.focus()
}

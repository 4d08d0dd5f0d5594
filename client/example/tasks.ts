import type { Failure, Task, TaskCreate } from 'todo-backend-client'
import { fill, onSubmit, reset, textOf, textOfError, typed } from './forms.js'
import { byId, complain, fromTemplate, once, say, within } from './page.js'
import { loggedIn, todo } from './session.js'

/** Tasks of one page of the list. */
const PAGE = 10

const newTask = byId('new', HTMLFormElement)
const heading = byId('tasks-title', HTMLElement)
const list = byId('tasks', HTMLUListElement)
const more = byId('more', HTMLButtonElement)

/** Where the list goes on; null when all of it is here. */
let cursor: string | null = null

/** Shows the first page of the tasks of whoever is logged in. */
export async function start (): Promise<void> {
  clear()
  await load({})
}

/** Leaves nothing on the page for whoever comes next. */
export function clear (): void {
  reset(newTask)
  list.replaceChildren()
  changed(null)
}

/** What was typed, as the API wants it: no description is null. */
const content = (form: HTMLFormElement): TaskCreate => ({ title: typed(form, 'title'), description: typed(form, 'description') || null })

/** Shows another page. @returns its first row */
async function load (from: { cursor?: string }): Promise<HTMLLIElement | undefined> {
  const result = await loggedIn(async () => todo.tasks.list({ limit: PAGE, ...from }))
  if (!result.ok) {
    complain(textOf(result))
    return
  }
  const rows = result.body.tasks.map(row)
  list.append(...rows)
  changed(result.body.next_cursor)
  return rows[0]
}

function changed (next: string | null): void {
  cursor = next
  more.hidden = next === null
  byId('none', HTMLElement).hidden = list.children.length > 0 || next !== null
}

onSubmit(newTask, async () => {
  const result = await loggedIn(async () => todo.tasks.create(content(newTask)))
  if (!result.ok) return result
  reset(newTask)
  list.prepend(row(result.body))
  changed(cursor)
  say(`Added ${result.body.title}`)
  within(newTask, 'input', HTMLInputElement).focus()
})

onAction(more, async () => {
  const first = await load(cursor === null ? {} : { cursor })
  if (first) within(first, 'input', HTMLInputElement).focus()
})

/** A task as a row of the list. */
function row (task: Task): HTMLLIElement {
  const item = fromTemplate('task', HTMLLIElement)
  const done = within(item, 'input', HTMLInputElement)
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
  }

  onAction(done, async () => {
    const result = await loggedIn(async () => todo.tasks.complete(task.id, !task.is_completed))
    if (!result.ok) return lost(item, result)
    task = result.body
    showCompletion()
    say(`${task.title} is ${task.is_completed ? 'done' : 'open'}`)
  })
  onAction(edit, async () => { openEditor(item, task) })
  onAction(remove, async () => {
    const result = await loggedIn(async () => todo.tasks.remove(task.id))
    if (!result.ok) return lost(item, result)
    takeAway(item)
    say(`Deleted ${task.title}`)
  })
  return item
}

/** Puts a form in the place of a row, until it is saved or cancelled. */
function openEditor (item: HTMLLIElement, task: Task): void {
  const form = fromTemplate('editor', HTMLFormElement)
  form.ariaLabel = `Edit ${task.title}`
  fill(form, 'title', task.title)
  fill(form, 'description', task.description ?? '')
  const shown = [...item.children]
  item.replaceChildren(form)
  within(form, 'input', HTMLInputElement).focus()

  within(form, '.cancel', HTMLButtonElement).addEventListener('click', () => {
    item.replaceChildren(...shown)
    within(item, '.edit', HTMLButtonElement).focus()
  })
  onSubmit(form, async () => {
    const result = await loggedIn(async () => todo.tasks.update(task.id, content(form)))
    if (!result.ok) return result
    const saved = row(result.body)
    item.replaceWith(saved)
    say(`Saved ${result.body.title}`)
    within(saved, '.edit', HTMLButtonElement).focus()
  })
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

/** Does what a person asks a control for. A checkbox changes when the API says so. */
function onAction (control: HTMLElement, act: () => Promise<void>): void {
  const start = once(async () => act().catch((error: unknown) => { complain(textOfError(error)) }))
  control.addEventListener('click', (event) => {
    event.preventDefault()
    start()
  })
}

import type { Failure, Task } from 'todo-backend-client'
import { byDate } from './dates.js'
import { content, fill, onSubmit, type Content } from './forms.js'
import { fromTemplate, say, within } from './page.js'
import { loggedIn, todo } from './session.js'

/** A task as it was read, and the tag of that state. */
interface Read { task: Task, tag: string }

const readFrom = ({ body, response }: { body: Task, response: Response }): Read => ({ task: body, tag: response.headers.get('ETag')! })

/**
 * Puts a form in the place of a row, until it is saved or cancelled. It begins with the task as it is now, and overwrites no
 * other state: lists do not tell the tags of their tasks.
 * @param rowOf makes the new row
 * @returns the failure when the task cannot be read
 */
export async function openEditor (
  item: HTMLLIElement, id: string, rowOf: (task: Task) => HTMLLIElement
): Promise<Failure | undefined> {
  const found = await loggedIn(async () => todo.tasks.get(id))
  if (!found.ok) return found
  let base = readFrom(found)
  const form = fromTemplate('editor', HTMLFormElement)
  const shown = [...item.children]
  form.ariaLabel = `Edit ${base.task.title}`
  fill(form, 'title', base.task.title)
  fill(form, 'description', base.task.description ?? '')
  fill(form, 'due_date', base.task.due_date ?? '')
  item.replaceChildren(form)
  within(form, 'input', HTMLInputElement).focus()

  within(form, '.cancel', HTMLButtonElement).addEventListener('click', () => {
    item.replaceChildren(...shown)
    within(item, '.edit', HTMLButtonElement).focus()
  })
  within(form, '.theirs', HTMLButtonElement).addEventListener('click', () => { close(base.task) })
  onSubmit(form, async () => {
    const wanted = content(form)
    const result = await loggedIn(async () => todo.tasks.patch(id, changes(base.task, wanted), { ifMatch: base.tag }))
    if (result.ok) return saved(result.body)
    if (result.status !== 412) return result
    const now = await loggedIn(async () => todo.tasks.get(id))
    if (!now.ok) return now
    // The answer to an earlier try was lost, or somebody else wanted the same.
    if (Object.keys(changes(now.body, wanted)).length === 0) return saved(now.body)
    base = readFrom(now)
    showConflict(form, base.task)
  })

  function saved (task: Task): undefined {
    close(task)
    say(`Saved ${task.title}`)
  }

  function close (task: Task): void {
    const row = rowOf(task)
    item.replaceWith(row)
    within(row, '.edit', HTMLButtonElement).focus()
  }
}

/** What has to be patched. */
const changes = (task: Task, wanted: Content): Partial<Content> =>
  Object.fromEntries(Object.entries(wanted).filter(([name, value]) => task[name as keyof Content] !== value))

/** Shows the task as somebody else has left it, below what was typed. Another "Save" overwrites just this state. */
function showConflict (form: HTMLFormElement, { title, description, due_date: due }: Task): void {
  within(form, '.conflict', HTMLElement).hidden = false
  within(form, '.conflict .title', HTMLElement).textContent = title
  within(form, '.conflict .description', HTMLElement).textContent = description
  within(form, '.conflict .due', HTMLElement).textContent = due === null ? '' : `Due ${byDate(due)}`
  within(form, '.theirs', HTMLButtonElement).focus()
}

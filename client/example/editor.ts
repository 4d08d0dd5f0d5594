import type { Task } from 'todo-backend-client'
import { difference } from './changes.js'
import { byDate } from './dates.js'
import { content, fill, onSubmit } from './forms.js'
import { fromTemplate, say, within } from './page.js'
import type { Write } from './tasks.js'

/**
 * Puts a form in the place of a row, until it is saved or cancelled. It overwrites no other state of the task than the one that
 * the person has seen.
 * @param close puts the row back
 */
export function openEditor (item: HTMLLIElement, task: Task, write: Write, close: () => void): void {
  let seen: { task: Task, tag?: string } = { task }
  const form = fromTemplate('editor', HTMLFormElement)
  form.ariaLabel = `Edit ${task.title}`
  fill(form, 'title', task.title)
  fill(form, 'description', task.description ?? '')
  fill(form, 'due_date', task.due_date ?? '')
  item.replaceChildren(form)
  within(form, 'input', HTMLInputElement).focus()

  within(form, '.cancel', HTMLButtonElement).addEventListener('click', close)
  within(form, '.theirs', HTMLButtonElement).addEventListener('click', close)
  onSubmit(form, async () => {
    const wanted = content(form)
    const outcome = await write({ kind: 'patch', id: task.id, seen: seen.task, tag: seen.tag, patch: difference(seen.task, wanted) })
    if (outcome.is === 'failed') return outcome.failure
    if (outcome.is === 'gone') return 'This task was deleted meanwhile.'
    if (outcome.is === 'conflict') {
      seen = outcome.now
      showConflict(form, seen.task)
    } else {
      close()
      say(`Saved ${wanted.title}`)
    }
  })
}

/** Shows the task as somebody else has left it, below what was typed. Another "Save" overwrites just this state. */
function showConflict (form: HTMLFormElement, { title, description, due_date: due }: Task): void {
  within(form, '.conflict', HTMLElement).hidden = false
  within(form, '.conflict .title', HTMLElement).textContent = title
  within(form, '.conflict .description', HTMLElement).textContent = description
  within(form, '.conflict .due', HTMLElement).textContent = due === null ? '' : `Due ${byDate(due)}`
  within(form, '.theirs', HTMLButtonElement).focus()
}

import type { Task } from 'todo-backend-client'
import { byDate, isOver } from './dates.js'
import { openEditor } from './editor.js'
import { complain, fromTemplate, onAction, say, within } from './page.js'
import type { Outcome } from './queue.js'
import type { Write } from './tasks.js'
import { textOf } from './texts.js'

/** A task in the list. */
export interface Row {
  item: HTMLLIElement
  /** Shows the task as it is now; while it is edited that waits. */
  show: (task: Task) => void
  isEdited: () => boolean
}

/** @param write does what the person wants, and resolves when the list shows it */
export function rowOf (first: Task, write: Write): Row {
  let task = first
  const item = fromTemplate('task', HTMLLIElement)
  const shown = [...item.children]
  const done = within(item, 'input', HTMLInputElement)
  const due = within(item, '.due', HTMLElement)
  const title = within(item, '.title', HTMLElement)
  const description = within(item, '.description', HTMLElement)
  const edit = within(item, '.edit', HTMLButtonElement)
  const remove = within(item, '.delete', HTMLButtonElement)

  function show (now: Task): void {
    task = now
    title.textContent = task.title
    description.textContent = task.description
    edit.ariaLabel = `Edit ${task.title}`
    remove.ariaLabel = `Delete ${task.title}`
    done.checked = task.is_completed
    item.classList.toggle('completed', task.is_completed)
    const late = task.due_date !== null && !task.is_completed && isOver(task.due_date)
    due.classList.toggle('overdue', late)
    due.textContent = task.due_date === null ? '' : `${late ? 'Overdue: ' : 'Due '}${byDate(task.due_date)}`
  }

  onAction(done, async () => {
    const seen = task
    const outcome = await write({ kind: 'patch', id: seen.id, seen, patch: { is_completed: !seen.is_completed } })
    tell(outcome, `${seen.title} is ${seen.is_completed ? 'open' : 'done'}`)
  })
  onAction(remove, async () => {
    const seen = task
    tell(await write({ kind: 'remove', id: seen.id, seen }), `Deleted ${seen.title}`)
  })
  onAction(edit, async () => {
    openEditor(item, task, write, () => {
      item.replaceChildren(...shown)
      edit.focus()
    })
  })
  show(task)
  return { item, show, isEdited: () => !shown[0]!.isConnected }
}

/** Tells how it went. What was changed elsewhere meanwhile is not touched, and the list shows it by now. */
function tell (outcome: Outcome, text: string): void {
  if (outcome.is === 'failed') complain(textOf(outcome.failure))
  else if (outcome.is === 'gone') complain('Task not found')
  else if (outcome.is === 'conflict') complain(`Changed elsewhere meanwhile, to “${outcome.now.task.title}”. Nothing was done to it.`)
  else say(text)
}

import type { Task } from 'todo-backend-client'
import type { Change } from './changes.js'
import { byDate } from './dates.js'
import { byId, fromTemplate, onAction, say, within } from './page.js'
import type { Queue } from './queue.js'

const part = byId('problems', HTMLElement)
const list = within(part, 'ul', HTMLUListElement)
const alert = within(part, '[role=alert]', HTMLElement)

/** What is shown, as text. */
let shown = ''

/** Shows what the server did not take, in both versions, and lets the person choose. */
export function showProblems (changes: Change[], queue?: Queue): void {
  const problems = changes.filter(({ problem }) => problem)
  const now = JSON.stringify(problems)
  // What is shown already keeps its focus, and is not told again.
  if (now === shown) return
  shown = now
  const hadFocus = part.contains(document.activeElement)
  list.replaceChildren(...problems.map((change) => row(change, queue!)))
  alert.textContent = problems.length > 0 ? 'This was changed elsewhere, or refused, before it could be sent:' : ''
  part.hidden = problems.length === 0
  if (hadFocus) byId(part.hidden ? 'tasks-title' : 'problems-title', HTMLElement).focus()
}

function row (change: Change, queue: Queue): HTMLLIElement {
  const item = fromTemplate('problem', HTMLLIElement)
  const keepMine = within(item, '.keep-mine', HTMLButtonElement)
  const keepTheirs = within(item, '.keep-theirs', HTMLButtonElement)
  const { problem } = change
  const title = change.kind === 'create' ? change.content.title : change.seen.title
  within(item, '.what', HTMLElement).textContent = problem!.is === 'refused' ? `${title}: ${problem!.text}` : title
  within(item, '.mine span', HTMLElement).textContent = mine(change)
  within(item, '.theirs span', HTMLElement).textContent = problem!.is === 'conflict' ? versionOf(problem!.now.task) : 'deleted'
  within(item, '.theirs', HTMLElement).hidden = keepMine.hidden = problem!.is === 'refused'
  keepTheirs.textContent = problem!.is === 'refused' ? 'Discard' : 'Keep the other one'
  keepMine.ariaLabel = `Keep yours: ${title}`
  keepTheirs.ariaLabel = `${keepTheirs.textContent}: ${title}`
  onAction(keepMine, async () => {
    await queue.keepMine(change)
    say(`Kept yours: ${title}`)
  })
  onAction(keepTheirs, async () => {
    await queue.keepTheirs(change)
    say(`Left as it is: ${title}`)
  })
  return item
}

/** What the person wanted. */
function mine (change: Change): string {
  if (change.kind === 'remove') return 'deleted'
  return versionOf(change.kind === 'create' ? change.content : { ...change.seen, ...change.patch })
}

const versionOf = (task: Pick<Task, 'title' | 'description' | 'due_date'> & { is_completed?: boolean }): string =>
  [task.title, task.description, task.due_date && `due ${byDate(task.due_date)}`, task.is_completed ? 'done' : 'open'].filter(Boolean).join(' · ')

import type { User } from 'todo-backend-client'
import { withChanges, type NewChange } from './changes.js'
import { openDesk, type Desk } from './desk.js'
import { find, type Wanted } from './find.js'
import { content, onSubmit, reset, typed } from './forms.js'
import { isOnline, showWaiting } from './online.js'
import { byId, complain, onAction, say, within } from './page.js'
import { showProblems } from './problems.js'
import type { Outcome } from './queue.js'
import { clearRows, rename, showRows } from './rows.js'
import { textOfError } from './texts.js'

/** Does what a person wants, and resolves when the list shows it. */
export type Write = (change: NewChange) => Promise<Outcome>

/** Rows that are shown at first, and more each time. */
const PAGE = 10

const newTask = byId('new', HTMLFormElement)
const search = byId('find', HTMLFormElement)
const sort = byId('sort', HTMLSelectElement)
const more = byId('more', HTMLButtonElement)
const list = byId('tasks', HTMLUListElement)

/** Of whoever is logged in. */
let desk: Desk | undefined
let limit = PAGE

/** Shows the tasks of somebody, whether the server can be reached or not. */
export async function start ({ id }: User): Promise<void> {
  desk?.close()
  desk = await openDesk(id, () => { void refresh() })
  await refresh()
}

/**
 * Leaves nothing on the page for whoever comes next.
 * @param isRemoved whether nothing is to be left in the browser either
 */
export function clear (isRemoved: boolean): void {
  const left = desk
  desk = undefined
  if (isRemoved) void left?.remove()
  else left?.close()
  reset(newTask)
  reset(search)
  clearRows()
  showWaiting(0)
  showProblems([])
}

/** @returns how many changes the server does not have, after another try to send them where that makes sense */
export async function unsent (): Promise<number> {
  if (!desk) return 0
  if (isOnline()) await desk.queue.sendAll()
  return (await desk.store.changes()).length
}

const wanted = (): Wanted => ({ q: typed(search, 'q'), sort: sort.value as Wanted['sort'] })

/** @returns how many tasks there are to show */
async function draw (): Promise<number> {
  const shown = desk
  if (!shown) return 0
  const { kept, changes, ids } = await shown.store.read()
  // Somebody else is here by now.
  if (shown !== desk) return 0
  for (const [local, id] of ids) rename(local, id)
  const tasks = find(withChanges(kept, changes), wanted())
  showRows(tasks.slice(0, limit), write)
  more.hidden = tasks.length <= limit
  byId('none', HTMLElement).hidden = tasks.length > 0
  // What is just being sent does not count.
  showWaiting(changes.filter(({ isWaiting, problem }) => isWaiting || problem).length)
  showProblems(changes, shown.queue)
  return tasks.length
}

let drawing: Promise<number> = Promise.resolve(0)
let next: Promise<number> | undefined

/** Shows what is kept by now. Who asks while that is being done, however often, gets it done once more. */
async function refresh (): Promise<number> {
  next ??= drawing.then(async () => {
    next = undefined
    drawing = draw().catch((error: unknown) => {
      // Whoever has left need not hear of it.
      if (desk) complain(textOfError(error))
      return 0
    })
    return drawing
  })
  return next
}

const write: Write = async (change) => {
  const outcome = await desk!.queue.write(change)
  await refresh()
  return outcome
}

onSubmit(search, async () => {
  limit = PAGE
  say(`Found: ${await refresh()}`)
  return undefined
})
sort.addEventListener('change', () => { search.requestSubmit() })

onSubmit(newTask, async () => {
  const task = content(newTask)
  const outcome = await write({ kind: 'create', id: crypto.randomUUID(), content: task, made: new Date().toISOString() })
  if (outcome.is === 'failed') return outcome.failure
  reset(newTask)
  say(`Added ${task.title}`)
  within(newTask, 'input', HTMLInputElement).focus()
})

onAction(more, async () => {
  const first = limit
  limit += PAGE
  await refresh()
  const row = list.children[first]
  if (row) within(row, 'input', HTMLInputElement).focus()
})

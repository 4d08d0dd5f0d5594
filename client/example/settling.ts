import type { Change, NewChange, Problem, Read } from './changes.js'
import type { Sent } from './sending.js'
import { drop, keep, type Stores } from './store.js'
import { textOf } from './texts.js'

/**
 * What is known here of the task that somebody wants to change: the tag of the state that they have seen; and, for a task that
 * was made here, its real id, which it may have got while they were still writing.
 */
export async function named (stores: Stores, change: NewChange): Promise<Change> {
  if (change.kind === 'create') return change
  const real = await stores.objectStore('ids').get(change.id)
  const kept = await stores.objectStore('tasks').get(real ?? change.id)
  if (!kept) return change
  if (real !== undefined) return { ...change, id: real, seen: kept.task, tag: kept.tag }
  return kept.task.updated_at === change.seen.updated_at ? { ...change, tag: change.tag ?? kept.tag } : change
}

/** Shows what has no answer as if it were done. */
export async function wait (stores: Stores): Promise<undefined> {
  const changes = stores.objectStore('changes')
  for (const change of await changes.getAll()) if (!change.isWaiting) await changes.put({ ...change, isWaiting: true })
}

/**
 * Writes down what became of a change.
 * @param isTold whether somebody waits for it, who is told when it has failed
 */
export async function settle (stores: Stores, change: Change, sent: Sent, isTold: boolean): Promise<void> {
  const { key, id } = change
  if (sent.is === 'done' && sent.now) await moveOn(stores, id, sent.now)
  else if (sent.is === 'conflict') await keep(stores, sent.now.task, sent.now.tag)
  else if (sent.is !== 'failed') await drop(stores, id)
  if (sent.is === 'done' || isTold) await forget(stores, key!)
  else await stores.objectStore('changes').put({ ...change, problem: problemOf(sent) })
}

const problemOf = (sent: Exclude<Sent, { is: 'done' }>): Problem =>
  sent.is === 'failed' ? { is: 'refused', text: textOf(sent.failure) } : sent

/** Whatever waits behind it was done to the state that the answer tells; and a task that was made here has its real id now. */
async function moveOn (stores: Stores, id: string, { task, tag }: Read): Promise<void> {
  await keep(stores, task, tag)
  if (task.id !== id) await stores.objectStore('ids').put(task.id, id)
  const changes = stores.objectStore('changes')
  for (const change of await changes.getAll()) {
    if (change.id === id && change.kind !== 'create') await changes.put({ ...change, id: task.id, seen: task, tag })
  }
}

/** Takes a change out of the queue. */
export async function forget (stores: Stores, key: number): Promise<void> {
  await stores.objectStore('changes').delete(key)
  // No answer can be on its way.
  if (await stores.objectStore('changes').count() === 0) await stores.objectStore('gone').clear()
}

/** Takes all that was done to a task out of the queue, and shows it as the server has it. */
export async function forgetTask (stores: Stores, { id, problem }: Change): Promise<void> {
  if (problem?.is === 'conflict') await keep(stores, problem.now.task, problem.now.tag)
  if (problem?.is === 'gone') await drop(stores, id)
  for (const change of await stores.objectStore('changes').getAll()) if (change.id === id) await forget(stores, change.key!)
}

/** Puts a change back into its place, to overwrite the state that the person has been shown; or to make the task anew. */
export async function again (stores: Stores, change: Change): Promise<void> {
  const { problem, ...rest } = change
  const changes = stores.objectStore('changes')
  if (rest.kind === 'create' || problem?.is === 'refused') return
  if (problem?.is === 'conflict') {
    await changes.put({ ...rest, seen: problem.now.task, tag: problem.now.tag })
  } else if (rest.kind === 'patch') {
    const { title, description, due_date: due } = { ...rest.seen, ...rest.patch }
    await changes.put({
      kind: 'create', key: rest.key, id: rest.id, isWaiting: true, content: { title, description, due_date: due }, made: rest.seen.created_at
    })
  }
}

import { isOnline, network } from './online.js'
import type { Queue } from './queue.js'
import { todo } from './session.js'
import { drop, keep, type Store } from './store.js'

/** Milliseconds between two tries: at first, and at most. */
const [SOON, LATER] = [1000, 30_000]

/**
 * Follows the server and sends what waits, until it is aborted. One tab does it for all of the same account, since they share
 * what it writes down; when that tab is closed, the next one goes on.
 */
export function live (userId: string, store: Store, queue: Queue, signal: AbortSignal): void {
  const lead = async () => {
    await Promise.all([
      again(async () => follow(store, signal), signal),
      again(async () => sendWaiting(queue), signal)
    ])
  }
  navigator.locks.request(`todo-live-${userId}`, { signal }, lead).catch(() => { /* Aborted before it was this tab's turn. */ })
}

/** Writes down what the server tells. A batch and its place are one transaction: after a crash it goes on from there. */
async function follow (store: Store, signal: AbortSignal): Promise<void> {
  await todo.tasks.sync({
    since: await store.position(),
    signal,
    apply: async (changes, { position, reset }) => store.write(async (stores) => {
      // The server cannot tell any more what has changed, and begins anew.
      if (reset) await stores.objectStore('tasks').clear()
      for (const change of changes) await ('task' in change ? keep(stores, change.task) : drop(stores, change.deleted.id))
      await stores.objectStore('position').put(position, 'next')
    })
  })
}

/** @throws Error when the server is away */
async function sendWaiting (queue: Queue): Promise<void> {
  await queue.sendAll()
  if (!isOnline()) throw new Error('no answer')
}

/** Does something again and again, at once when the server is back, and less often while it fails. */
async function again (act: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  for (let pause = SOON; !signal.aborted;) {
    pause = await act().then(() => SOON, () => Math.min(2 * pause, LATER))
    await pauseFor(pause, signal)
  }
}

const pauseFor = async (milliseconds: number, signal: AbortSignal) => new Promise<void>((resolve) => {
  const timer = setTimeout(resolve, milliseconds)
  const end = () => {
    clearTimeout(timer)
    resolve()
  }
  network.addEventListener('back', end, { once: true, signal })
  signal.addEventListener('abort', end, { once: true })
})

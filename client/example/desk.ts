import { live } from './live.js'
import { queueOf, type Queue } from './queue.js'
import { deleteStore, openStore, type Store } from './store.js'

/** What belongs to the account whose page it is. */
export interface Desk {
  store: Store
  queue: Queue
  /** Ends all of it. What is kept stays in the browser. */
  close: () => void
  /** Ends all of it, and leaves nothing in the browser. */
  remove: () => Promise<void>
}

/**
 * Opens what is kept of an account, follows the server, and sends what waits.
 * @param changed is called whenever there is something else to show
 */
export async function openDesk (userId: string, changed: () => void): Promise<Desk> {
  const leaving = new AbortController()
  const store = await openStore(userId, changed)
  const queue = queueOf(store, userId, leaving.signal)
  live(userId, store, queue, leaving.signal)

  function close () {
    leaving.abort()
    store.close()
  }

  return {
    store,
    queue,
    close,
    async remove () {
      close()
      await deleteStore(userId)
    }
  }
}

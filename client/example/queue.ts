import type { Change, NewChange } from './changes.js'
import { isOnline } from './online.js'
import { send, type Sent } from './sending.js'
import { askAgain, whileBusy } from './session.js'
import { again, forget, forgetTask, named, settle, wait } from './settling.js'
import type { Store } from './store.js'

/** What became of what a person did. */
export type Outcome = Sent | { is: 'waiting' }

/**
 * What is done waits here until the server has it. It is written down before it is sent, so that nothing loses it.
 * @param signal ends what is being sent: from then on the account is not that of the page any more
 */
export function queueOf (store: Store, userId: string, signal: AbortSignal) {
  /**
   * Sends what waits, one change after the other, in one tab at a time.
   * @param own the change whose outcome somebody waits for: it is told to them, not put down as a problem
   * @returns that outcome; undefined when there is none yet
   */
  async function sendAll (own?: number): Promise<Sent | undefined> {
    return navigator.locks.request(`todo-queue-${userId}`, { signal }, async () => {
      for (;;) {
        const changes = await store.changes()
        // Another tab has sent it meanwhile.
        if (own !== undefined && !changes.some(({ key }) => key === own)) return { is: 'done' }
        const change = sendable(changes)
        if (!change) return
        const sent = await send(change, signal).catch(() => undefined)
        const isOwn = change.key === own
        if (!sent || isLater(sent)) return isOwn && isRefusal(sent) ? sent : await store.write(wait)
        await store.write(async (stores) => settle(stores, change, sent, isOwn))
        if (isOwn) return sent
      }
    })
  }

  const sendSoon = () => { sendAll().catch(() => { /* The page is not of this account any more. */ }) }

  return {
    sendAll,

    /**
     * Does something: now, or when the server can be reached.
     * @throws the error of IndexedDB when it cannot be written down
     */
    write: async (change: NewChange): Promise<Outcome> => whileBusy(async () => {
      const key = await store.write(async (stores) => stores.objectStore('changes').add(await named(stores, change)))
      if (!isOnline()) {
        await store.write(wait)
        sendSoon()
        return { is: 'waiting' }
      }
      let sent = await sendAll(key)
      if (isRefusal(sent) && await askAgain()) sent = await sendAll(key)
      if (isRefusal(sent)) await store.write(async (stores) => forget(stores, key))
      return sent ?? { is: 'waiting' }
    }),

    /** Overwrites what the server has by what was done here. */
    async keepMine (change: Change): Promise<void> {
      await store.write(async (stores) => again(stores, change))
      sendSoon()
    },

    /** Leaves the task as the server has it, and forgets all that was done to it here. */
    async keepTheirs (change: Change): Promise<void> {
      await store.write(async (stores) => forgetTask(stores, change))
    }
  }
}

export type Queue = ReturnType<typeof queueOf>

/** The first that can be sent: nothing of a task about which the person has to decide. */
function sendable (changes: Change[]): Change | undefined {
  const held = new Set(changes.filter(({ problem }) => problem).map(({ id }) => id))
  return changes.find(({ id }) => !held.has(id))
}

const isRefusal = (sent: Sent | undefined) => sent?.is === 'failed' && sent.failure.status === 401

/** Whether the same may be sent again: it was not looked at. */
const isLater = (sent: Sent) => sent.is === 'failed' && [401, 429, 503].includes(sent.failure.status)

import { deleteDB, openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames } from 'idb'
import type { Task } from 'todo-backend-client'
import type { Change } from './changes.js'

/** A task as the server has it, and the tag of that state where an answer has told it. */
export interface Kept { id: string, task: Task, tag?: string | undefined }

interface Schema extends DBSchema {
  tasks: { key: string, value: Kept }
  /** What the server has not answered yet, in the order in which it was done. */
  changes: { key: number, value: Change }
  /** Tasks that were deleted while changes were waiting: an answer that comes late does not bring them back. */
  gone: { key: string, value: string }
  /** The server's id of a task that was made here. */
  ids: { key: string, value: string }
  /** How far the server's changes are in here. */
  position: { key: string, value: string }
}

/** A transaction that may change everything. */
export type Stores = IDBPTransaction<Schema, Array<StoreNames<Schema>>, 'readwrite'>
const ALL: Array<StoreNames<Schema>> = ['tasks', 'changes', 'gone', 'ids', 'position']

/** What is kept of one account in this browser, for all its tabs. */
export interface Store {
  /** All that is shown, of one moment. */
  read: () => Promise<{ kept: Kept[], changes: Change[], ids: Map<string, string> }>
  /** Reads and changes in one transaction, and tells every tab. It must wait for nothing but the transaction. */
  write: <T>(act: (stores: Stores) => Promise<T>) => Promise<T>
  changes: () => Promise<Change[]>
  position: () => Promise<string | undefined>
  close: () => void
}

const nameOf = (userId: string) => `todo-${userId}`

/**
 * Opens what is kept of an account. Each has a database of its own: nobody sees what is of somebody else.
 * @param changed is called after every change, in whichever tab
 */
export async function openStore (userId: string, changed: () => void): Promise<Store> {
  const db: IDBPDatabase<Schema> = await openDB<Schema>(nameOf(userId), 1, {
    upgrade (created) {
      created.createObjectStore('tasks', { keyPath: 'id' })
      created.createObjectStore('changes', { keyPath: 'key', autoIncrement: true })
      for (const name of ['gone', 'ids', 'position'] as const) created.createObjectStore(name)
    },
    // Another tab deletes it, because the person has logged out: that waits until no tab has it open.
    blocking () { db.close() },
    // The browser has closed it, as it does when its profile is cleared.
    terminated () { location.reload() }
  })
  const channel = new BroadcastChannel(nameOf(userId))
  channel.addEventListener('message', changed)

  return {
    async read () {
      const stores = db.transaction(['tasks', 'changes', 'ids'])
      const ids = stores.objectStore('ids')
      const [kept, changes, locals, real] = await Promise.all([
        stores.objectStore('tasks').getAll(), stores.objectStore('changes').getAll(), ids.getAllKeys(), ids.getAll()
      ])
      return { kept, changes, ids: new Map(locals.map((local, at) => [local, real[at]!])) }
    },

    async write (act) {
      const stores = db.transaction(ALL, 'readwrite')
      const [result] = await Promise.all([act(stores), stores.done])
      channel.postMessage('changed')
      changed()
      return result
    },

    changes: async () => db.getAll('changes'),
    position: async () => db.get('position', 'next'),

    close () {
      channel.close()
      db.close()
    }
  }
}

/** Leaves nothing of an account in this browser. */
export async function deleteStore (userId: string): Promise<void> {
  await deleteDB(nameOf(userId))
}

/**
 * Keeps a task, unless what is kept is newer or the task is gone: an answer and the news of it come in any order.
 * @param tag of this state; the news do not tell it, and what an answer has told of the same state stays
 */
export async function keep (stores: Stores, task: Task, tag?: string): Promise<void> {
  const tasks = stores.objectStore('tasks')
  const [known, gone] = await Promise.all([tasks.get(task.id), stores.objectStore('gone').get(task.id)])
  if (gone !== undefined || (known && known.task.updated_at > task.updated_at)) return
  await tasks.put({ id: task.id, task, tag: tag ?? (known?.task.updated_at === task.updated_at ? known.tag : undefined) })
}

/** Forgets a task that is deleted. */
export async function drop (stores: Stores, id: string): Promise<void> {
  await stores.objectStore('tasks').delete(id)
  if (await stores.objectStore('changes').count() > 0) await stores.objectStore('gone').put(id, id)
}

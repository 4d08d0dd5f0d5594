import type { components } from './schema.js'

/** What has become of a task: its present state, or that it is gone. */
export type Change = { task: components['schemas']['Task'] } | { deleted: { id: string } }

/** Changes in order, and where they lead. */
export interface Batch {
  changes: Change[]
  /** Where they lead: to be kept together with them, and to be given as `since` next time. */
  position: string
  /** Whether all tasks come anew from here on: those that are here are to be forgotten first. */
  reset: boolean
  /** Whether there is more that waits already. */
  hasMore: boolean
}

/** How it comes: at once, by asking every few seconds, or not at all for now. */
export type SyncState = 'live' | 'polling' | 'offline'

/** What has been seen: where that was, and what came then, with the position after each. */
export interface Seen { state: SyncState | undefined, from: string, changes: Change[], ids: string[] }

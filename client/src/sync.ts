import type { Client } from 'openapi-fetch'
import type { Batch, Change, SyncState } from './changes.js'
import { TIMING } from './course.js'
import { follower, type Follower } from './follow.js'
import { pause } from './pause.js'
import type { paths } from './schema.js'
import type { Send } from './send.js'
import { joinTabs, type Tabs } from './tabs.js'

/** What sends the requests of one person, and what that person's tabs are called; null for none that could share. */
export interface Source { api: Client<paths>, send: Send, shared: string | null }

export interface ChangesSettings {
  /** The `position` of the last batch that was kept; absent, all tasks come first. */
  since?: string | undefined
  /** Ends it. */
  signal?: AbortSignal | undefined
  /** Called when changes come in another way than before. */
  onState?: ((state: SyncState) => void) | undefined
}

/**
 * Keeps changes, and with them `position`, best in one transaction. When `reset` is true all tasks that are here are removed
 * first. The next batch waits until it has ended.
 */
export type Apply = (changes: Change[], batch: Omit<Batch, 'changes'>) => void | Promise<void>

export interface SyncSettings extends ChangesSettings { apply: Apply }

/** Milliseconds: after so long without a word the tab that leads is taken for asleep, for now. */
const QUIET = 60_000

/** Following what changes, for one person. @param open is asked for who that is when it begins */
export function syncOf (open: () => Promise<Source>, timing = { ...TIMING, quiet: QUIET }) {
  /** What the leading tab sees, until this tab leads. */
  async function * listen (tabs: Tabs, { pages, take, be }: Follower, signal: AbortSignal): AsyncGenerator<Batch, void> {
    for (let patience = timing.quiet; ;) {
      const told = await tabs.next(patience)
      if (told === 'lead') return
      const batch = told && take(told)
      patience = told ? timing.quiet : timing.poll
      if (batch) {
        if (batch.changes.length > 0) yield batch
      } else {
        if (!told) be('polling')
        tabs.forget()
        yield * pages()
        // When much happens the next word may be missing something again.
        await pause(timing.first, signal)
      }
    }
  }

  /**
   * All changes of the tasks, for ever: what there is, or what there is since a position, and then what happens, as it happens.
   * Each comes once, in order. It goes on over lost connections and servers that are away. Of a task that changes often states in
   * between may be left out. It ends with its signal, also while it waits; a loop that breaks off ends it, too.
   * @throws TodoApiError when nobody is logged in any more (401) and when `since` belongs to somebody else (422)
   */
  async function * changes (settings: ChangesSettings = {}): AsyncGenerator<Batch, void> {
    const { since, signal = new AbortController().signal, onState } = settings
    let tabs: Tabs | null = null
    try {
      const { api, send, shared } = await open()
      tabs = shared === null ? null : joinTabs(shared, signal)
      const all = follower({ api, send, since, signal, onState, timing, onSeen: (seen) => { tabs?.tell(seen) } })
      yield * all.pages()
      if (tabs) yield * listen(tabs, all, signal)
      yield * all.forever()
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      tabs?.leave()
    }
  }

  return {
    changes,

    /**
     * Hands out all changes of the tasks, as `changes` has them.
     * @returns resolves when its signal is aborted
     * @throws what `apply` throws, and what `changes` throws
     */
    async sync ({ apply, ...settings }: SyncSettings): Promise<void> {
      for await (const { changes: some, ...batch } of changes(settings)) {
        await apply(some, batch)
        if (settings.signal?.aborted) return
      }
    }
  }
}

import type { Seen } from './changes.js'
import { browserLocks } from './locks.js'
import { linked } from './pause.js'

/** The tabs of one person: one leads and tells the others what it sees, until it is closed. */
export type Tabs = NonNullable<ReturnType<typeof joinTabs>>

/**
 * Joins the tabs that have the same name. A browser has six connections to a server with HTTP/1.1: a stream for each tab would
 * leave none for anything else.
 * @returns null where there are no tabs that could agree
 */
export function joinTabs (name: string, signal: AbortSignal) {
  const locks = browserLocks()
  if (!locks || !('BroadcastChannel' in globalThis)) return null
  const link = linked(signal)
  const channel = new BroadcastChannel(name)
  let heard: Seen[] = []
  let leads = false
  let wake = () => {}
  let release = () => {}

  channel.onmessage = ({ data }) => {
    heard.push(data as Seen)
    wake()
  }

  function lead (): void {
    leads = true
    wake()
  }

  // A page that may not have locks leads for itself.
  locks.request(name, { signal: link.signal }, async () => new Promise<void>((resolve) => {
    release = resolve
    if (link.signal.aborted) resolve()
    lead()
  })).catch(lead)

  return {
    /**
     * Waits for what the others have to say.
     * @returns what the leader has seen, 'lead' when this tab is the one now, null after so many milliseconds
     * @throws the reason of the signal
     */
    async next (milliseconds: number): Promise<Seen | 'lead' | null> {
      if (!leads && heard.length === 0) {
        const isOver = new Promise<void>((resolve) => { wake = resolve })
        const timer = setTimeout(wake, milliseconds)
        signal.addEventListener('abort', wake)
        await isOver
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
      }
      signal.throwIfAborted()
      return leads ? 'lead' : heard.shift() ?? null
    },

    /** Forgets what was said so far. */
    forget () { heard = [] },

    /** Tells the others, when this tab leads. */
    tell (seen: Seen) { if (leads) channel.postMessage(seen) },

    leave () {
      channel.close()
      link.abort()
      link.unlink()
      release()
    }
  }
}

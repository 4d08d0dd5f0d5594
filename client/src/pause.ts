/** Milliseconds of the longest wait between two tries. */
const LONGEST = 30_000

/** @returns how long to wait before another try: longer each time, and not all clients at the same moment */
export const backoff = (failures: number, first = 500): number =>
  Math.min(LONGEST, first * 2 ** failures) * (0.5 + Math.random() / 2)

/** What a page has: it hears when the network is back. */
const page = globalThis as unknown as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>

/**
 * Waits, until the network is back at most.
 * @throws the reason of the signal
 */
export async function pause (milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  signal?.throwIfAborted()
  let end = () => {}
  const isOver = new Promise<void>((resolve) => { end = resolve })
  const timer = setTimeout(end, milliseconds)
  signal?.addEventListener('abort', end)
  page.addEventListener?.('online', end)
  await isOver
  clearTimeout(timer)
  signal?.removeEventListener('abort', end)
  page.removeEventListener?.('online', end)
  signal?.throwIfAborted()
}

/** A request that ends with a signal, or alone. */
export interface Link { signal: AbortSignal, abort: () => void, unlink: () => void }

/** @returns a signal that is aborted with another one, and by itself; to be unlinked, as the other one may live for long */
export function linked (to: AbortSignal): Link {
  const controller = new AbortController()
  const abort = () => { controller.abort(to.reason) }
  if (to.aborted) abort()
  to.addEventListener('abort', abort)
  return { signal: controller.signal, abort, unlink: () => { to.removeEventListener('abort', abort) } }
}

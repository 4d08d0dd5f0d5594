/** Web Locks, as far as they are used. */
export interface Locks { request: <T>(name: string, options: { signal: AbortSignal }, work: () => Promise<T>) => Promise<T> }

/**
 * What tabs agree by. Node.js has it, too, from 24 on, but no tabs.
 * @returns undefined in pages that may not have it: from http, but for this machine
 */
export function browserLocks (): Locks | undefined {
  const isBrowser = 'document' in globalThis || 'WorkerGlobalScope' in globalThis
  return isBrowser ? (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks : undefined
}

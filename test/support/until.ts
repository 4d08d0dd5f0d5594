import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Waits until a condition is met.
 * @param what the condition is, for the message when it is not met
 * @throws Error after the given seconds
 */
export async function until (what: string, isSo: () => unknown, seconds = 60): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !await isSo();) {
    if (Date.now() > end) throw new Error(`not so after ${seconds} s: ${what}`)
    await sleep(20)
  }
}

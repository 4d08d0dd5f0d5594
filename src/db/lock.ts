import { closeSync, openSync } from 'node:fs'
import { DatabaseLocked } from './errors.js'

/**
 * Makes this process the only user of an embedded database: PGlite has no lock of its own, and two processes on one
 * folder lose data. The lock is the operating system's, on an open file: it ends with the process however that ends,
 * so there is nothing to clean up and no process id to compare.
 * @param folder the database's folder; the lock stands beside it
 * @returns what releases the lock
 * @throws DatabaseLocked when another process holds it
 */
export async function lockFolder (folder: string): Promise<() => void> {
  const { default: { tryLock } } = await import('fs-native-extensions')
  const file = openSync(`${folder}.lock`, 'a', 0o600)
  if (!tryLock(file)) {
    closeSync(file)
    throw new DatabaseLocked(folder)
  }
  return () => { closeSync(file) }
}

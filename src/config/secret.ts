import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The signing secret of an installation that was given none: made once and kept, so that tokens outlive a restart.
 * @param folder where it is kept, in a file that only its owner can read
 * @returns 64 hexadecimal digits
 */
export function keptSecret (folder: string): string {
  const file = join(folder, 'secret-key')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Written aside and linked into place: of two first starts at once both read one whole secret.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch {
    // Another start was first. Where it is something else, nothing is there to be read.
  } finally {
    rmSync(draft)
  }
  return readFileSync(file, 'utf8').trim()
}

/**
 * Closes a folder, or a file, to other users of the machine: who copies or unpacks one easily leaves it open. Says so where it
 * belongs to somebody else.
 */
export function keepPrivate (path: string): void {
  const { mode, uid } = statSync(path, { throwIfNoEntry: false }) ?? { mode: 0, uid: 0 }
  if ((mode & 0o077) === 0) return
  if (uid === process.getuid?.()) chmodSync(path, mode & 0o700)
  else console.warn(`${path} is open to other users of this machine (mode ${(mode & 0o777).toString(8)})`)
}

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
  // Written to a draft and linked into place, so that two first starts at once both read the same complete secret.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch {
    // Another start was first. After any other error the file does not exist, and reading it fails.
  } finally {
    rmSync(draft)
  }
  return readFileSync(file, 'utf8').trim()
}

/**
 * Makes a folder or a file private to its owner: copying or unpacking often leaves it readable by others. Logs a warning where
 * another user owns it.
 */
export function keepPrivate (path: string): void {
  const { mode, uid } = statSync(path, { throwIfNoEntry: false }) ?? { mode: 0, uid: 0 }
  if ((mode & 0o077) === 0) return
  if (uid === process.getuid?.()) chmodSync(path, mode & 0o700)
  else console.warn(`${path} is open to other users of this machine (mode ${(mode & 0o777).toString(8)})`)
}

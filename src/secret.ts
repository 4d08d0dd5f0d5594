import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

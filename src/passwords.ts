import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'

/** What one hash costs. OWASP's minimum for Argon2id is 19 MiB, 2 passes, 1 lane (Password Storage Cheat Sheet). */
export interface HashCost {
  memoryCost: number
  timeCost: number
  parallelism: number
}

/** The same password typed on another keyboard or system is the same text (NIST SP 800-63B §3.1.1.2). */
const normalized = (password: string) => password.normalize('NFC')

/**
 * Hashing and verifying of passwords.
 * @param cost what a new hash costs: memory in KiB, passes, lanes
 */
export function passwords (cost: HashCost) {
  const options = { type: argon2.argon2id, ...cost }
  /** A hash that no password has. Verifying against it takes as long as against a real one. */
  const nobodys = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$${base64(16)}$${base64(32)}`

  return {
    /** @returns the hash in PHC string format, with its salt and cost */
    hash: async (password: string): Promise<string> => argon2.hash(normalized(password), options),

    /**
     * Takes the same time whether there is such a user or not (OWASP Authentication Cheat Sheet).
     * @param hash of the user, or null when there is no such user
     * @returns whether the password is right
     */
    async verify (hash: string | null, password: string): Promise<boolean> {
      const right = await argon2.verify(hash ?? nobodys, normalized(password))
      // UTF-8 writes each lone surrogate as U+FFFD, which would make two passwords of one.
      return right && password.isWellFormed()
    },

    /** @returns whether a hash was made at another cost */
    isOutdated: (hash: string): boolean => argon2.needsRehash(hash, options)
  }
}
export type Passwords = ReturnType<typeof passwords>

/** Random bytes in the unpadded base64 of a PHC string. */
const base64 = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '')

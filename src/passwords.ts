import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import fastq from 'fastq'
import { Overloaded } from './errors.js'

/** What one hash costs. OWASP's minimum for Argon2id is 19 MiB, 2 passes, 1 lane (Password Storage Cheat Sheet). */
export interface HashCost {
  memoryCost: number
  timeCost: number
  parallelism: number
}

/** Whoever waits for a hash, as a response of Node is: destroyed when the connection has ended. */
interface Client { readonly destroyed: boolean }

/** The same password typed on another keyboard or system is the same text (NIST SP 800-63B §3.1.1.2). */
const normalized = (password: string) => password.normalize('NFC')

/**
 * Hashing and verifying of passwords.
 * @param cost what a new hash costs: memory in KiB, passes, lanes
 * @param threads how many may hash at a time. A lane is a thread, and one hash at a time is computed whatever its lanes
 */
export function passwords (cost: HashCost, threads: number) {
  const options = { type: argon2.argon2id, ...cost }
  /** A hash that no password has. Verifying against it takes as long as against a real one. */
  const nobodys = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$${base64(16)}$${base64(32)}`

  const queue = fastq.promise(async ({ work, client }: { work: () => Promise<unknown>, client: Client }) => {
    if (client.destroyed) throw new Overloaded()
    return await work()
  }, Math.max(1, Math.floor(threads / cost.parallelism)))

  /** First come, first served. Nothing is computed for a client that has gone meanwhile; nobody reads its answer. */
  const inTurn = async <Result>(client: Client, work: () => Promise<Result>) => await queue.push({ work, client }) as Result

  return {
    /** @returns the hash in PHC string format, with its salt and cost */
    hash: async (password: string, client: Client): Promise<string> =>
      inTurn(client, async () => argon2.hash(normalized(password), options)),

    /**
     * Takes the same time whether there is such a user or not (OWASP Authentication Cheat Sheet).
     * @param hash of the user, or null when there is no such user
     * @returns whether the password is right
     */
    async verify (hash: string | null, password: string, client: Client): Promise<boolean> {
      const right = await inTurn(client, async () => argon2.verify(hash ?? nobodys, normalized(password)))
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

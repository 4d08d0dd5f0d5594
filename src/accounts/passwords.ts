import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import fastq from 'fastq'
import { Overloaded } from '../errors/api-error.js'

/** What one hash costs. OWASP's minimum for Argon2id is 19 MiB, 2 passes, 1 lane (Password Storage Cheat Sheet). */
export interface HashCost {
  memoryCost: number
  timeCost: number
  parallelism: number
}

/** Who waits for a hash: a response of Node, destroyed when its connection has ended. */
export interface Client { readonly destroyed: boolean }

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
  const dummyHash = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$${base64(16)}$${base64(32)}`

  /** The time of the most expensive hash so far: every wrong password takes that long. */
  let longest = timeOf(cost)

  /** Adds the time by which verifying was shorter than the longest: otherwise an old, cheap hash would reveal an account. */
  async function equalizeTime (hash: string | null): Promise<void> {
    const own = timeOf(costIn(hash) ?? cost)
    longest = Math.max(longest, own)
    const rest = (longest - own) * cost.parallelism
    const least = LEAST_MEMORY * cost.parallelism
    if (rest < least) return
    const timeCost = Math.ceil(rest / cost.memoryCost)
    await argon2.hash('', { ...options, timeCost, memoryCost: Math.max(least, Math.round(rest / timeCost)) })
  }

  const queue = fastq.promise(async ({ work, client }: { work: () => Promise<unknown>, client: Client }) => {
    if (client.destroyed) throw new Overloaded()
    return await work()
  }, Math.max(1, Math.floor(threads / cost.parallelism)))

  /** First come, first served. Nothing is computed for a client that has gone meanwhile. */
  const inTurn = async <Result>(client: Client, work: () => Promise<Result>) => await queue.push({ work, client }) as Result

  return {
    /** @returns the hash in PHC string format, with its salt and cost */
    hash: async (password: string, client: Client): Promise<string> =>
      inTurn(client, async () => argon2.hash(normalized(password), options)),

    /**
     * A wrong password takes the same time whether there is such a user or not, and whatever the user's hash costs (OWASP
     * Authentication Cheat Sheet).
     * @param hash of the user, or null when there is no such user
     * @returns whether the password is right
     */
    async verify (hash: string | null, password: string, client: Client): Promise<boolean> {
      return await inTurn(client, async () => {
        const right = await argon2.verify(hash ?? dummyHash, normalized(password))
        // UTF-8 writes each lone surrogate as U+FFFD, which would make two passwords of one.
        if (right && password.isWellFormed()) return true
        await equalizeTime(hash)
        return false
      })
    },

    /** Computes one hash, of one pass. @throws when that cannot be done here, as without the memory */
    async check (): Promise<void> { await argon2.hash('', { ...options, timeCost: 1 }) },

    /** @returns whether a hash was made at another cost */
    isOutdated: (hash: string): boolean => argon2.needsRehash(hash, options)
  }
}
export type Passwords = ReturnType<typeof passwords>

/** The least KiB per lane. (RFC 9106 §3.1) */
const LEAST_MEMORY = 8

/** The time of a hash, in KiB of a lane through all passes. */
const timeOf = ({ memoryCost, timeCost, parallelism }: HashCost) => memoryCost * timeCost / parallelism

/** The cost in a PHC string. */
function costIn (hash: string | null): HashCost | null {
  const [, memoryCost, timeCost, parallelism] = /\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(hash ?? '')?.map(Number) ?? []
  return memoryCost && timeCost && parallelism ? { memoryCost, timeCost, parallelism } : null
}

/** Random bytes in the unpadded base64 of a PHC string. */
const base64 = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '')

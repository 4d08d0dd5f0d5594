import { accessSync, constants, mkdtempSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { tmpdir } from 'node:os'
import type { Test } from 'tap'

/** `npm run test:faults -- --full`: the numbers of the promise instead of those that fit into a check. */
export const full = process.env.FAULTS === 'full'

/** The kills behind the backs of those who follow: as many in each run. */
const followed = { replicaKills: 20, databaseKills: 5, redisKills: 3 }

/** How often, or how much, of what has a number. */
export const rounds = full
  ? { serverKills: 100, postgresKills: 20, embeddedKills: 20, keyKills: 200, rotationKills: 100, rolling: 10_000, ...followed }
  : { serverKills: 10, postgresKills: 3, embeddedKills: 3, keyKills: 10, rotationKills: 10, rolling: 3000, ...followed }

/** Where logs and figures of this run are kept. A test file that runs alone has a folder of its own. */
export const folder = process.env.FAULTS_FOLDER ?? mkdtempSync(join(tmpdir(), 'faults-'))

/** Milliseconds within which a request is answered whatever has failed, and within which success is back. */
export const PROMISED = 5000

/** A latency fails a test only when it is so many times its target: machines are noisy. */
export const NOISE = 5

const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin']

/**
 * Finds a program that a test needs and npm does not bring.
 * @returns its path; undefined when it is not installed, and then the test is already skipped
 * @throws Error when it is not installed and CI is "true": there a skipped test would look like a passed one
 */
export function need (t: Test, command: string, folders = FOLDERS): string | undefined {
  const found = folders.map((place) => join(place, command)).find(isProgram)
  if (found) return found
  const reason = `${command} is not installed`
  if (process.env.CI === 'true') throw new Error(reason)
  t.pass(`with ${command}`, { skip: reason })
}

function isProgram (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

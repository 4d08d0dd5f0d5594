import { ConfigError } from '../config/errors.js'
import { DatabaseDamaged, DatabaseLocked, DatabaseUnavailable, DatabaseUnfit } from '../db/errors.js'

/** Ends the process with status 1: one line for what an operator can mend, the stack for a bug. */
export function fatal (error: unknown): never {
  console.error(isOperators(error) ? error.message : error)
  process.exit(1)
}

const isOperators = (error: unknown): error is Error =>
  [ConfigError, DatabaseDamaged, DatabaseLocked, DatabaseUnavailable, DatabaseUnfit].some((kind) => error instanceof kind) ||
  // What the operating system refuses: the port, the address, the data folder.
  (error as NodeJS.ErrnoException).syscall !== undefined

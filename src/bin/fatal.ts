import { ConfigError } from '../config/errors.js'
import { DatabaseDamaged, DatabaseLocked, DatabaseUnavailable, DatabaseUnfit } from '../db/errors.js'
import { Refused } from '../operations/refused.js'

/** Ends the process with status 1: one line for what an operator can mend, the stack for a bug. */
export function fatal (error: unknown): never {
  console.error(isForOperator(error) ? error.message : error)
  process.exit(1)
}

/** Their messages are lines for an operator. */
const OPERATOR_ERRORS = [ConfigError, DatabaseDamaged, DatabaseLocked, DatabaseUnavailable, DatabaseUnfit, Refused]

const isForOperator = (error: unknown): error is Error =>
  OPERATOR_ERRORS.some((kind) => error instanceof kind) ||
  // What the operating system refuses: the port, the address, the data folder.
  (error as NodeJS.ErrnoException).syscall !== undefined

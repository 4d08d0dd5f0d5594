import type { Database } from '../db/database.js'
import { ConstraintViolation, DatabaseUnavailable, ForeignAnswer } from '../db/errors.js'
import type { Meters } from './meters.js'

/** @returns the kind of a failure: few, whatever a database says */
export function kindOf (error: unknown): string {
  if (error instanceof DatabaseUnavailable) return 'unavailable'
  if (error instanceof ConstraintViolation) return 'constraint'
  return error instanceof ForeignAnswer ? 'foreign_answer' : 'failed'
}

/** A database whose statements are timed, each by its name. */
export const measured = (database: Database, { statement: count }: Pick<Meters, 'statement'>): Database => ({
  ...database,
  async run (statement, values) {
    const start = performance.now()
    const end = (error: string) => { count(statement.name, error, (performance.now() - start) / 1000) }
    try {
      const rows = await database.run(statement, values)
      end('')
      return rows
    } catch (error) {
      end(kindOf(error))
      throw error
    }
  }
})

import { sql } from 'drizzle-orm'
import type { Database } from '../db/database.js'
import { prepareSql } from '../db/statement.js'
import { endings } from '../db/tables.js'

const { placeholder } = sql

/** One row at least, which says when it was asked and for what. */
const newest = prepareSql('endings.newest', sql<{ asked: string, at: string, session_id: string | null }>`
  select asked.value as asked, now() as at, ending.session_id
  from (values (${placeholder('since')}::text)) as asked(value)
  left join ${endings} ending on ending.ended_at >= asked.value::timestamptz`,
{ asked: 'since' }, { answersAlways: true })

/**
 * Asks for the sessions that have ended since then.
 * @returns them, and the time of the question: both times are the database's
 */
export type EndingsRead = (since: Date) => Promise<{ ended: string[], at: Date }>

/**
 * The sessions that have ended lately.
 * @param db where they are
 */
export const endingsIn = (db: Database): EndingsRead => async (since) => {
  const rows = await db.run(newest, { since: since.toISOString() })
  return { ended: rows.flatMap(({ session_id: session }) => session ?? []), at: new Date(rows[0]!.at) }
}

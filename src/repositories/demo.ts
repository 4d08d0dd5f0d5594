import { sql } from 'drizzle-orm'
import type { Database } from '../db/database.js'
import { prepareSql } from '../db/statement.js'
import { tasks } from '../db/tables.js'
import { id, ofTask, owner } from './task-row.js'

/** Not a change in the journal: a real change has to follow. */
const age = prepareSql('demo.age', sql<{ id: string, user_id: string }>`
  update ${tasks} t set created_at = ${sql.placeholder('at')}::timestamptz
  where t.owner_id = ${owner} and t.id = ${id} returning t.id, t.owner_id as user_id`, ofTask)

/** Makes a task of the demo account older than it is. @param at when it was created, as RFC 3339 text */
export async function makeOlder (db: Database, owner: string, id: string, at: string): Promise<void> {
  await db.run(age, { owner, id, at })
}

import { sql } from 'drizzle-orm'
import type { Database } from '../db/database.js'
import { prepareSql } from '../db/statement.js'
import { FIRST } from '../db/sweeps.js'
import { taskLists, tasks } from '../db/tables.js'

const { placeholder } = sql

/** Lists that are counted in one statement: none takes long. */
const LISTS = 100

/**
 * Counts the tasks of some lists and writes down what they are, if the list has still the number that it had when they were
 * counted: every write of a task counts that up.
 */
const countLists = prepareSql('lists.recount', sql<{ owner: string, asked: string, wrong: boolean, corrected: boolean }>`
  with lists as materialized (
      select owner_id, revision, open, done from ${taskLists} where owner_id > ${placeholder('after')}::uuid
      order by owner_id limit ${placeholder('limit')}::bigint),
    counted as materialized (
      select lists.owner_id, lists.revision, present.open, present.done, (lists.open, lists.done) <> (present.open, present.done) as wrong
      from lists cross join lateral (
        select count(*) filter (where not is_completed)::int as open, count(*) filter (where is_completed)::int as done
        from ${tasks} task where task.owner_id = lists.owner_id) present),
    corrected as (
      update ${taskLists} list set open = counted.open, done = counted.done
      from counted where list.owner_id = counted.owner_id and list.revision = counted.revision
        and (list.open, list.done) <> (counted.open, counted.done)
      returning list.owner_id)
  select counted.owner_id as owner, ${placeholder('after')}::uuid as asked, counted.wrong, corrected.owner_id is not null as corrected
  from counted left join corrected using (owner_id) order by counted.owner_id`, { asked: 'after' })

/**
 * Counts the tasks of each owner anew, where the totals are wrong, as after somebody has written to the tables by hand. Others
 * may write meanwhile, and count as well.
 * @returns of how many owners
 */
export async function recount (db: Database): Promise<number> {
  let corrected = 0
  for (let after = FIRST; ;) {
    const lists = await db.run(countLists, { after, limit: LISTS })
    corrected += lists.filter((list) => list.corrected).length
    // Somebody was faster with one: its tasks are not those that were counted.
    if (lists.some((list) => list.wrong && !list.corrected)) continue
    if (lists.length < LISTS) return corrected
    after = lists.at(-1)!.owner
  }
}

import { sql } from 'drizzle-orm'
import type { Database } from '../db/database.js'
import { prepareSql } from '../db/statement.js'
import { FIRST } from '../db/sweeps.js'
import { taskLists, tasks } from '../db/tables.js'

const { placeholder } = sql

/** Lists that are compared in one statement: none takes long. */
const LISTS = 100

/** The next owners after one, and whether the totals of each are wrong. */
const compareLists = prepareSql('lists.compare', sql<{ owner: string, asked: string, wrong: boolean }>`
  select list.owner_id as owner, ${placeholder('after')}::uuid as asked,
    (list.open, list.done) <> (count(task.id) filter (where not task.is_completed), count(task.id) filter (where task.is_completed)) as wrong
  from ${taskLists} list left join ${tasks} task on task.owner_id = list.owner_id and task.owner_id > ${placeholder('after')}::uuid
  where list.owner_id > ${placeholder('after')}::uuid
  group by list.owner_id order by list.owner_id limit ${placeholder('limit')}::bigint`, { asked: 'after' })

/**
 * Counts the tasks of a list and writes down what they are, if the list has still the number that it had when they were
 * counted: every write of a task counts that up.
 */
const countList = prepareSql('lists.recount', sql<{ owner: string, wrong: boolean, corrected: boolean }>`
  with counted as materialized (
      select list.owner_id, list.revision, present.open, present.done, (list.open, list.done) <> (present.open, present.done) as wrong
      from ${taskLists} list cross join lateral (
        select count(*) filter (where not is_completed)::int as open, count(*) filter (where is_completed)::int as done
        from ${tasks} task where task.owner_id = ${placeholder('owner')}::uuid) present
      where list.owner_id = ${placeholder('owner')}::uuid),
    corrected as (
      update ${taskLists} list set open = counted.open, done = counted.done
      from counted where list.owner_id = ${placeholder('owner')}::uuid and list.revision = counted.revision
        and (list.open, list.done) <> (counted.open, counted.done)
      returning list.owner_id)
  select counted.owner_id as owner, counted.wrong, corrected.owner_id is not null as corrected
  from counted left join corrected using (owner_id)`, { owner: 'owner' })

/**
 * Counts the tasks of each owner anew, where the totals are wrong, as after somebody has written to the tables by hand. Others
 * may write meanwhile, and count as well.
 * @returns of how many owners
 */
export async function recount (db: Database): Promise<number> {
  let corrected = 0
  for (let after = FIRST; ;) {
    const lists = await db.run(compareLists, { after, limit: LISTS })
    for (const { owner } of lists.filter(({ wrong }) => wrong)) {
      if (await recountList(db, owner)) corrected++
    }
    if (lists.length < LISTS) return corrected
    after = lists.at(-1)!.owner
  }
}

/** @returns whether it was this call that has corrected it; not so when somebody else was faster, or the owner has gone */
async function recountList (db: Database, owner: string): Promise<boolean> {
  for (;;) {
    const [list] = await db.run(countList, { owner })
    if (!list?.wrong) return false
    if (list.corrected) return true
    // Somebody has written meanwhile: its tasks are not those that were counted.
  }
}

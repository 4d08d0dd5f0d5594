import { sql, type SQL } from 'drizzle-orm'
import { build, prepare, prepareSql } from '../db/statement.js'
import { idempotencyKeys, taskChanges, taskLists, tasks } from '../db/tables.js'
import { id, ofOwner, ofTask, owner, byOwnerAndId, versionedRow } from './task-row.js'

/*
 * Each write of a task is one statement that locks the owner's list first: it waits for the owner's other writers there, takes
 * the next number, and writes list, journal and task together. Deleting an account locks in the same order, so that there are
 * no deadlocks. The form is one that a database sharded by owner (Citus) runs as well: no volatile function but in what
 * was read before, the owner in each part, each INSERT in a part of its own that reads the list's row.
 */

const { placeholder } = sql

const title = sql`${placeholder('title')}::varchar`
const description = sql`${placeholder('description')}::varchar`
const dueDate = sql`${placeholder('dueDate')}::date`

/** A column's new value if a flag says that one is given, otherwise the present one. */
const given = (flag: string, value: SQL, present: SQL | typeof tasks.title | typeof tasks.dueDate) =>
  sql`case when ${placeholder(flag)}::boolean then ${value} else ${present} end`

/** Only a task in one of these states: number and time, in milliseconds since 1970, joined by a hyphen. */
const matching = sql` and t.revision::text || '-' || (extract(epoch from t.updated_at) * 1000)::bigint::text = any(${placeholder('versions')}::text[])`

/** What a change does to the totals of the list: `task` is the task before it. */
const MOVE_TOTALS = sql`open = list.open + task.is_completed::int - task.next::int, done = list.done - task.is_completed::int + task.next::int`
const REMOVED = sql`open = list.open - (not task.is_completed)::int, done = list.done - task.is_completed::int`

/** The columns of `change`, so that Drizzle can use it as a table. */
const numbered = { revision: sql<number>`revision`.as('revision') }

/**
 * The common part of update, patch, complete and delete. No row when the task does not exist or does not meet `condition`:
 * then nothing is written.
 * @param next whether the task is done afterwards
 * @returns `change`: the owner, the number, the time, the task's id, and `next`; the list has it already
 */
const change = (next: SQL, totals: SQL, condition?: SQL) => build.$with('change', numbered).as(sql`
  with locked as materialized (select owner_id, changed_at from ${taskLists} where owner_id = ${owner} for update),
    task as materialized (
      select t.owner_id, t.id, t.is_completed, ${next} as next,
        greatest(now(), locked.changed_at, t.updated_at + interval '1 millisecond') as touched
      from ${tasks} t, locked where t.owner_id = ${owner} and t.owner_id = locked.owner_id and t.id = ${id}${condition}
      for update of t)
  update ${taskLists} list set revision = list.revision + 1, changed_at = task.touched, ${totals}
  from task where list.owner_id = ${owner} and list.owner_id = task.owner_id
  returning list.owner_id, list.revision, task.id, task.next, task.touched`)

/** Writes the change into the journal. */
const journal = build.$with('journal', {}).as(sql`
  insert into ${taskChanges} (owner_id, revision, task_id, changed_at)
  select list.owner_id, change.revision, change.id, change.touched
  from ${taskLists} list, change where list.owner_id = ${owner} and change.owner_id = list.owner_id`)

const thisChange = sql`${byOwnerAndId} and change.owner_id = ${tasks.ownerId} and change.id = ${tasks.id}`

/** A change of a task that stays. */
function rewrite (next: SQL, content: { title?: SQL, description?: SQL, dueDate?: SQL }, condition?: SQL) {
  const changed = change(next, MOVE_TOTALS, condition)
  return build.with(changed, journal).update(tasks)
    .set({ ...content, isCompleted: sql`change.next`, updatedAt: sql`change.touched`, revision: sql`change.revision` })
    .from(changed).where(thisChange).returning(versionedRow)
}

/** The unconditional statement, and the one with `If-Match`. */
const bothWays = <Of>(of: (name: (of: string) => string, condition?: SQL) => Of) => ({
  always: of((name) => name), ifMatch: of((name) => `${name}, if it matches`, matching)
})

export const update = bothWays((name, condition) => prepare(name('tasks.update'), rewrite(sql`t.is_completed`,
  { title, description, dueDate: given('hasDueDate', dueDate, tasks.dueDate) }, condition), { ...ofTask, title: 'title' }))

export const patch = bothWays((name, condition) => prepare(name('tasks.patch'), rewrite(
  sql`coalesce(${placeholder('completed')}::boolean, t.is_completed)`,
  {
    title: given('hasTitle', title, tasks.title),
    description: given('hasDescription', description, sql`${tasks.description}`),
    dueDate: given('hasDueDate', dueDate, tasks.dueDate)
  }, condition), { ...ofTask, title: 'title', is_completed: 'completed' }))

/** Null toggles. */
export const complete = bothWays((name, condition) => prepare(name('tasks.complete'), rewrite(
  sql`coalesce(${placeholder('completed')}::boolean, not t.is_completed)`, {}, condition), { ...ofTask, is_completed: 'completed' }))

/** Drizzle's DELETE has no USING. */
export const remove = bothWays((name, condition) => {
  const { sql: changed } = change(sql`false`, REMOVED, condition)._
  return prepareSql(name('tasks.remove'), sql<{ id: string, user_id: string }>`
    with change as (${changed}), journal as (${journal._.sql})
    delete from ${tasks} using change where ${thisChange} returning ${tasks.id}, ${tasks.ownerId} as user_id`, ofTask)
})

/** Takes the next number for a new task. No row when the owner is gone. */
const count = build.$with('change', {}).as(sql`
  with locked as materialized (
    select owner_id, greatest(now(), changed_at) as touched from ${taskLists} where owner_id = ${owner} for update)
  update ${taskLists} list set revision = list.revision + 1, open = list.open + 1, changed_at = locked.touched
  from locked where list.owner_id = ${owner} and locked.owner_id = list.owner_id
  returning list.owner_id, list.revision, locked.touched, ${id} as id`)

/**
 * Claims a key for the next number. No row when the owner is gone, or when the key is taken: then nothing is written. The loser
 * of a race waits for the winner, whose row this statement cannot see; the next statement can.
 */
const claim = build.$with('claimed', {}).as(sql`
  insert into ${idempotencyKeys} as claim (owner_id, key, body_hash, task_id, created_at, revision)
  select locked.owner_id, ${placeholder('key')}::varchar, ${placeholder('hash')}::bytea, ${id},
    greatest(now(), locked.changed_at), locked.revision + 1
  from (select owner_id, revision, changed_at from ${taskLists} where owner_id = ${owner} for update) locked
  on conflict do nothing returning claim.owner_id, claim.revision, claim.created_at`)

/** Counts the new task of a key that has been claimed. */
const countClaimed = build.$with('change', {}).as(sql`
  update ${taskLists} list set revision = claimed.revision, open = list.open + 1, changed_at = claimed.created_at
  from claimed where list.owner_id = ${owner} and claimed.owner_id = list.owner_id
  returning list.owner_id, list.revision, claimed.created_at as touched, ${id} as id`)

const made = build.$with('made', versionedRow).as(sql`
  insert into ${tasks} as task (owner_id, id, title, description, due_date, created_at, updated_at, revision)
  select list.owner_id, ${id}, ${title}, ${description}, ${dueDate}, change.touched, change.touched, change.revision
  from ${taskLists} list, change where list.owner_id = ${owner} and change.owner_id = list.owner_id
  returning task.id, task.title, task.description, task.is_completed, task.due_date, task.owner_id as user_id,
    task.created_at, task.updated_at, task.revision`)

export const create = prepare('tasks.create', build.with(count, journal, made).select().from(made), { ...ofTask, title: 'title' })

/** No row when the key is taken; `stored` then has its task. */
export const createOnce = prepare('tasks.createOnce', build.with(claim, countClaimed, journal, made).select().from(made),
  { ...ofTask, title: 'title' })

/** What has been created under a key. */
export const storedKey = prepare('tasks.storedKey', build.select({
  user_id: sql<string>`${idempotencyKeys.ownerId}`.as('user_id'),
  key: idempotencyKeys.key,
  body_hash: sql<Uint8Array>`${idempotencyKeys.bodyHash}`.as('body_hash'),
  task_id: sql<string>`${idempotencyKeys.taskId}`.as('task_id'),
  created_at: sql<string>`${idempotencyKeys.createdAt}`.as('created_at'),
  revision: idempotencyKeys.revision
}).from(idempotencyKeys).where(sql`${idempotencyKeys.ownerId} = ${owner} and ${idempotencyKeys.key} = ${placeholder('key')}::varchar`),
{ ...ofOwner, key: 'key' })

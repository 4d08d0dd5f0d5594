import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Database } from '../db/database.js'
import { prepareSql } from '../db/statement.js'
import { taskChanges, taskLists, tasks } from '../db/tables.js'
import type { Task } from '../schemas/tasks.js'
import type { Version } from './task-values.js'
import { owner, taskOf } from './task-row.js'

/** A change of an owner's tasks: its number, and its time in milliseconds since 1970. */
export type Change = Version

/** What has become of the task of a change: its present state; null when it is gone; `later` when a later change tells. */
export interface TaskChange extends Change { id: string, task: Task | null | 'later' }

/** The newest change of an owner. */
export interface Newest extends Change { owner: string }

const { placeholder } = sql

type Row = { owner_id: string, change: number, changed_at: string, change_of: string | null, task_revision: number | null } & {
  [Field in keyof Task]: Task[Field] | null
}

/** In commit order, beginning with the change of that number itself, which the client has seen. */
const after = prepareSql('changes.after', sql<Row>`
  select c.owner_id, c.revision as change, c.changed_at, c.task_id as change_of, t.id, t.title, t.description, t.is_completed,
    t.due_date, t.owner_id as user_id, t.created_at, t.updated_at, t.revision as task_revision
  from ${taskChanges} c left join ${tasks} t on t.owner_id = c.owner_id and t.id = c.task_id
  where c.owner_id = ${owner} and c.revision >= ${placeholder('revision')}::bigint
  order by c.revision limit (select ${placeholder('limit')}::bigint)`, { owner_id: 'owner' })

/**
 * One row at least. Owners that are gone have none. What was asked is told by a number of its own: the owners in each row would
 * make the answer grow with their square, gigabytes for 10,000. And they are taken apart once: compared as a list with each row
 * of a table without statistics, 3,000 of them took longer than a statement may.
 */
const newest = prepareSql('changes.newest', sql<{ asked: string, owner: string | null, revision: number, at: string }>`
  select asked.value as asked, list.owner_id as owner, list.revision, list.changed_at as at
  from (values (${placeholder('question')}::text)) as asked(value)
  left join (unnest(${placeholder('owners')}::text::uuid[]) as wanted(id) join ${taskLists} list on list.owner_id = wanted.id) on true`,
{ asked: 'question' }, { answersAlways: true })

/**
 * The newest change of each of some owners, in one statement.
 * @returns without those that are gone
 */
export async function newestOf (db: Database, owners: string[]): Promise<Newest[]> {
  const rows = await db.run(newest, { question: randomUUID(), owners: `{${owners.join()}}` })
  return rows.flatMap(({ owner, revision, at }) => owner === null ? [] : { owner, revision, time: Date.parse(at) })
}

/**
 * The journal of one owner, and the only way to it.
 * @param db where it is
 * @param owner the id of the owner
 */
export const changesOf = (db: Database, owner: string) => ({
  owner,

  /** @returns the newest change; null when the owner is gone */
  async newest (): Promise<Change | null> {
    const [found] = await newestOf(db, [owner])
    return found ?? null
  },

  /**
   * What has changed after a change.
   * @returns at most `limit` changes, and whether there are more; null when the journal has no such change, not any more or never
   */
  async after ({ revision, time }: Change, limit: number): Promise<{ changes: TaskChange[], hasMore: boolean } | null> {
    const [own, ...rows] = await db.run(after, { owner, revision, limit: limit + 2 })
    if (own?.change !== revision || Date.parse(own.changed_at) !== time) return null
    return { changes: rows.slice(0, limit).map(changeOf), hasMore: rows.length > limit }
  }
})
export type OwnedChanges = ReturnType<typeof changesOf>

function changeOf (row: Row): TaskChange {
  const { change: revision, changed_at: at, change_of: id, task_revision: present } = row
  const task = row.id === null ? null : present === revision ? taskOf(row as Task) : 'later'
  return { revision, time: Date.parse(at), id: id!, task }
}

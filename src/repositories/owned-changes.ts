import { randomUUID } from 'node:crypto'
import { eq, sql } from 'drizzle-orm'
import type { Database } from '../db/database.js'
import { asked, askedId, build, prepare, prepareSql } from '../db/statement.js'
import { taskChanges, taskLists, tasks } from '../db/tables.js'
import type { Task } from '../schemas/tasks.js'
import type { Version } from './task-values.js'
import { owner, taskOf } from './task-row.js'

/** A change of an owner's tasks: its number, and its time in milliseconds since 1970. */
export type Change = Version

/** What has become of the task of a change: its present state; null when it is gone; `later` when a later change tells. */
export interface TaskChange extends Change { id: string, task: Task | null | 'later' }

/** The last change of an owner that somebody has seen. */
export interface Known extends Change { owner: string }

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

/** One row in any case, without a number when the owner is gone. */
const newest = prepare('changes.newest', build.select({
  asked: askedId.as('asked'), revision: taskLists.revision, changed_at: taskLists.changedAt
}).from(asked('owner')).leftJoin(taskLists, eq(taskLists.ownerId, askedId)), { asked: 'owner' }, { answersAlways: true })

/** Owners that are given, and what is known of them: taken apart once, and not for each row of a table without statistics. */
const given = sql`(select unnest(${placeholder('owners')}::text::uuid[]) as id, unnest(${placeholder('revisions')}::text::bigint[]) as revision,
  unnest(${placeholder('times')}::text::bigint[]) as time) as known`

/**
 * How many of some owners there are, and those of them who have another newest change than the one that is known: mostly nobody,
 * so that the answer does not grow with how many are asked for. It joins what Citus can join.
 */
const others = prepareSql('changes.others', sql<{ asked: string, present: number, others: string | null }>`
  select ${placeholder('question')}::text as asked, count(*)::int as present, array_to_string(array_agg(list.owner_id)
    filter (where list.revision <> known.revision or list.changed_at <> to_timestamp(known.time / 1000.0)), ',') as others
  from ${given} join ${taskLists} list on list.owner_id = known.id`, { asked: 'question' }, { answersAlways: true })

/** Those of some owners who are there. */
const present = prepareSql('changes.present', sql<{ asked: string, owners: string | null }>`
  select ${placeholder('question')}::text as asked, array_to_string(array_agg(list.owner_id), ',') as owners
  from ${given} join ${taskLists} list on list.owner_id = known.id`, { asked: 'question' }, { answersAlways: true })

/**
 * Which owners have another newest change than these, or are gone: in one statement, and another one when somebody is gone.
 * @param known may have an owner more than once
 * @returns each once
 */
export async function othersThan (db: Database, known: Known[]): Promise<Set<string>> {
  const list = (values: Array<string | number>) => `{${values.join()}}`
  const question = {
    question: randomUUID(),
    owners: list(known.map(({ owner }) => owner)),
    revisions: list(known.map(({ revision }) => revision)),
    times: list(known.map(({ time }) => time))
  }
  const [found] = await db.run(others, question)
  const changed = new Set(idsIn(found!.others))
  if (found!.present === known.length) return changed
  const [rest] = await db.run(present, question)
  const there = new Set(idsIn(rest!.owners))
  return new Set([...changed, ...known.map(({ owner }) => owner).filter((owner) => !there.has(owner))])
}

/** @param text ids with commas between; null is none */
const idsIn = (text: string | null): string[] => text === null ? [] : text.split(',')

/**
 * The journal of one owner, and the only way to it.
 * @param db where it is
 * @param owner the id of the owner
 */
export const changesOf = (db: Database, owner: string) => ({
  owner,

  /** @returns the newest change; null when the owner is gone */
  async newest (): Promise<Change | null> {
    const [found] = await db.run(newest, { owner })
    const { revision, changed_at: at } = found!
    return revision === null || at === null ? null : { revision, time: Date.parse(at) }
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

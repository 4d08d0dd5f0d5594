import { and, asc, desc, eq, sql, type SQL } from 'drizzle-orm'
import { build, prepare } from '../db/statement.js'
import { searchable, taskLists, tasks } from '../db/tables.js'
import type { TaskQuery } from '../schemas/tasks.js'
import { byOwner, ofOwner, owner, row } from './task-row.js'

const { placeholder } = sql

/** The orders of a list. */
export type Sort = NonNullable<TaskQuery['sort']>

/** Which tasks a list has, and in which order. */
export interface ListQuery {
  /** Newest first when absent. */
  sort?: Sort | undefined
  /** Only the done (true) or the open (false) ones. */
  completed?: boolean | undefined
  /** Days, `YYYY-MM-DD`, both inclusive. With either, tasks without a due date are left out. */
  dueAfter?: string | undefined
  dueBefore?: string | undefined
  /** Words with white space between, which are all in the title or the description, in any case. */
  q?: string | undefined
}

/** A task without a due date sorts after all others. Index, order and range use this expression; a null would be in none. */
const due = sql`coalesce(${tasks.dueDate}, 'infinity'::date)`

/** An order, total in each case: the key and the id, both in the same direction. */
interface Order { key: SQL, type: SQL, way: typeof asc, beyond: SQL }

const sorts: Record<Sort, Order> = {
  '-created_at': { key: sql`${tasks.createdAt}`, type: sql`timestamptz`, way: desc, beyond: sql`<` },
  created_at: { key: sql`${tasks.createdAt}`, type: sql`timestamptz`, way: asc, beyond: sql`>` },
  due_date: { key: due, type: sql`date`, way: asc, beyond: sql`>` }
}

const after = ({ key, type, beyond }: Order) =>
  sql`(${key}, ${tasks.id}) ${beyond} (${placeholder('key')}::${type}, ${placeholder('id')}::uuid)`

/** `%`, `_` and the backslash are ordinary characters. */
const escaped = (text: SQL) => sql`replace(replace(replace(${text} collate "C", '\\', '\\\\'), '%', '\\%'), '_', '\\_')`

/** The pattern of each word, from words with a line feed between. */
const patterns = sql`string_to_array('%' || replace(${escaped(searchable(sql`${placeholder('q')}::text`))},
  chr(10), '%' || chr(10) || '%') || '%', chr(10))`

/**
 * In subqueries, so that the patterns are made once and not for each task; in the C collation, so that bytes are compared. The
 * first word apart: an array costs more, and is looked at only where that is found.
 */
const hasWords = sql`${tasks.search} collate "C" like (select (${patterns})[1])
  and ${tasks.search} collate "C" like all ((select (${patterns})[2:])::text[])`

const done = sql`${placeholder('completed')}::boolean`

const filterOf = ({ completed, dueAfter, dueBefore, q }: ListQuery): SQL | undefined => and(
  completed === undefined ? undefined : eq(tasks.isCompleted, done),
  dueAfter === undefined ? undefined : sql`${due} >= ${placeholder('dueAfter')}::date and ${due} < 'infinity'`,
  dueBefore === undefined ? undefined : sql`${due} <= ${placeholder('dueBefore')}::date`,
  q === undefined ? undefined : hasWords
)

/** The list's row has the totals by `is_completed`; with dates the tasks are counted. */
function totalOf ({ completed, dueAfter, dueBefore }: ListQuery, where: SQL | undefined): SQL<number> {
  if (dueAfter ?? dueBefore) return sql`(${build.select({ n: sql`count(*)::int` }).from(tasks).where(where)})`
  if (completed === undefined) return sql`${taskLists.open} + ${taskLists.done}`
  return sql`case when ${done} then ${taskLists.done} else ${taskLists.open} end`
}

/**
 * LIMIT and OFFSET as numbers that the planner cannot know: it then plans for the first rows, by the index, at every
 * depth. If it knew them, it would collect and sort when few rows are left or many are skipped. Drizzle accepts an
 * expression as well, but its type says a number.
 */
const unknownToPlanner = (name: string) => sql`(select ${placeholder(name)}::bigint)` as unknown as number

/** The list's row alone, for a client that has a page already: no task is read. */
export const listState = prepare('tasks.state', build.select({
  user_id: sql<string>`${taskLists.ownerId}`.as('user_id'),
  list_revision: sql<number>`${taskLists.revision}`.as('list_revision'),
  list_changed_at: sql<string>`${taskLists.changedAt}`.as('list_changed_at')
}).from(taskLists).where(eq(taskLists.ownerId, owner)), ofOwner)

/** A value of the list, in the first row only: in each row, these values would be a third of the cost of a page. */
const once = <Value>(value: SQL, name: string) => sql<Value>`case when row_number() over () = 1 then ${value} end`.as(name)

/** The list's row in the statement of a page, so that both are of the same moment. Without tasks it is the only row. */
const besideOnce = (total: SQL) => ({
  list_revision: once<number>(sql`${taskLists.revision}`, 'list_revision'),
  list_changed_at: once<string>(sql`${taskLists.changedAt}`, 'list_changed_at'),
  total: once<number>(total, 'total')
})

/** The owner of a row, also when there is no task. */
const ownerBeside = (ownerOfTask: SQL.Aliased | SQL) => sql<string>`coalesce(${ownerOfTask}, ${taskLists.ownerId})`.as('user_id')

const byListOwner = and(byOwner, eq(tasks.ownerId, taskLists.ownerId))

/** A page straight from an index. */
function indexed (kind: 'offset' | 'cursor', query: ListQuery) {
  const order = sorts[query.sort ?? '-created_at']
  const where = filterOf(query)
  const rows = build.select(row).from(tasks).where(and(byListOwner, where, kind === 'cursor' ? after(order) : undefined))
    .orderBy(order.way(order.key), order.way(tasks.id)).limit(unknownToPlanner('limit'))
  const page = (kind === 'cursor' ? rows : rows.offset(unknownToPlanner('offset'))).as('page')
  const total = kind === 'cursor' ? sql<number>`0` : totalOf(query, and(byOwner, where))
  return build.select({ ...page._.selectedFields, user_id: ownerBeside(page.user_id), ...besideOnce(total) })
    .from(taskLists).leftJoinLateral(page, sql`true`).where(eq(taskLists.ownerId, owner))
}

/** A page of what a search has found, with its total: each task is looked at once for both. */
function searched (query: ListQuery) {
  const { key, way } = sorts[query.sort ?? '-created_at']
  const found = build.$with('found').as(build.select({ id: tasks.id, key: key.as('key') }).from(tasks).where(and(byOwner, filterOf(query))))
  const shown = build.select({ id: found.id }).from(found).orderBy(way(found.key), way(found.id))
    .limit(unknownToPlanner('limit')).offset(unknownToPlanner('offset')).as('shown')
  const page = build.select(row).from(shown).innerJoin(tasks, and(byListOwner, eq(tasks.id, shown.id)))
    .orderBy(way(key), way(tasks.id)).as('page')
  const total = sql<number>`(${build.select({ n: sql`count(*)::int` }).from(found)})`
  return build.with(found).select({ ...page._.selectedFields, user_id: ownerBeside(page.user_id), ...besideOnce(total) })
    .from(taskLists).leftJoinLateral(page, sql`true`).where(eq(taskLists.ownerId, owner))
}

/**
 * The list is one row, and a lateral join is a nested loop: tasks stay in the order of their page. To ask for it again, on top,
 * would sort them again, which costs a sixth of the statement.
 */
const statement = (kind: 'offset' | 'cursor', query: ListQuery) => prepare(`tasks.list by ${kind}`,
  kind === 'offset' && query.q !== undefined ? searched(query) : indexed(kind, query), ofOwner)

const prepared = new Map<string, ReturnType<typeof statement>>()

/** The statement for a page: one for each order and set of filters, as each has its own plan; made when it is first needed. */
export function pageStatement (kind: 'offset' | 'cursor', query: ListQuery): ReturnType<typeof statement> {
  const { sort = '-created_at', completed, dueAfter, dueBefore, q } = query
  const shape = [kind, sort, ...[completed, dueAfter, dueBefore, q].map((filter) => filter === undefined)].join()
  const found = prepared.get(shape) ?? statement(kind, query)
  prepared.set(shape, found)
  return found
}

/** Words with a line feed between, which no normalization makes of anything else. (Unicode Standard, property White_Space) */
export const wordsOf = (q: string | undefined): string | undefined => q?.split(/\p{White_Space}+/u).filter(Boolean).join('\n')

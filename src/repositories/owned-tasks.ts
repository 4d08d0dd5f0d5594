import { and, desc, eq, sql, type SQL } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../db/database.js'
import { ConstraintViolation } from '../db/errors.js'
import { asked, askedId, build, prepare } from '../db/statement.js'
import { taskCounts, tasks, users } from '../db/tables.js'
import type { Task } from '../schemas/tasks.js'

const { placeholder } = sql

/** A task as the contract shows it, named by SQL: a row leaves the database as the answer needs it. */
const row = {
  id: tasks.id,
  title: tasks.title,
  description: tasks.description,
  is_completed: sql<boolean>`${tasks.isCompleted}`.as('is_completed'),
  user_id: sql<string>`${tasks.ownerId}`.as('user_id'),
  created_at: sql<string>`${tasks.createdAt}`.as('created_at'),
  updated_at: sql<string>`${tasks.updatedAt}`.as('updated_at')
}

/** The WHERE that every statement begins with. */
const mine = eq(tasks.ownerId, placeholder('owner'))
const thisOne = and(mine, eq(tasks.id, placeholder('id')))

/** Which tasks a list has, and which of their counts. */
interface Filter { where: SQL | undefined, counted: SQL }
const all: Filter = { where: mine, counted: sql`${taskCounts.open} + ${taskCounts.done}` }
const filtered: Filter = {
  where: and(mine, eq(tasks.isCompleted, placeholder('completed'))),
  counted: sql`case when ${placeholder('completed')} then ${taskCounts.done} else ${taskCounts.open} end`
}

/** The last write wins, and its time is later than that of the one before, even within a millisecond or a clock set back. */
const touched = sql`greatest(clock_timestamp(), ${tasks.updatedAt} + interval '1 millisecond')`

/**
 * LIMIT and OFFSET as numbers that the planner cannot know: it then plans for the first rows, by the index, at every
 * depth. Told the numbers, it would rather gather and sort when few rows are left, or many are skipped.
 */
const unforeseen = (name: string) => sql`(select ${placeholder(name)}::bigint)` as unknown as number

const page = <Extra extends Record<string, SQL.Aliased<unknown>>>(where: SQL | undefined, extra: Extra) =>
  build.select({ ...row, ...extra }).from(tasks).where(where)
    .orderBy(desc(tasks.createdAt), desc(tasks.id)).limit(unforeseen('limit'))

/** The total, beside the rows and in the same statement: both are of one moment, and it is one round trip. */
const totalOf = (counted: SQL) => ({
  total: sql<number>`${build.select({ n: sql`coalesce(sum(${counted}), 0)::int` }).from(taskCounts)
    .where(eq(taskCounts.ownerId, placeholder('owner')))}`.as('total')
})

const offsetPage = ({ where, counted }: Filter) => page(where, totalOf(counted)).offset(unforeseen('offset'))

const cursorPage = ({ where }: Filter) => page(
  and(where, sql`(${tasks.createdAt}, ${tasks.id}) < (${placeholder('created_at')}, ${placeholder('id')})`), {})

/** Whose rows are asked for, and whether there is such an owner: what an answer says when it has no task to say it with. */
const theOwner = {
  user_id: askedId.as('user_id'),
  known: sql<boolean>`exists ${build.select({ id: users.id }).from(users).where(eq(users.id, askedId))}`.as('known')
}

/**
 * What an offset page without tasks is asked again: one row at least, without a task when there is none. Page and total are of
 * one moment here as well.
 */
const offsetPageAndOwner = ({ where, counted }: Filter) => {
  const found = page(where, {}).offset(unforeseen('offset')).as('found')
  return build.select({
    ...found._.selectedFields, asked: askedId.as('asked'), known: theOwner.known, ...totalOf(counted)
  }).from(asked('owner')).leftJoinLateral(found, sql`true`)
}

/** What each row has to repeat. */
const ofOwner = { user_id: 'owner' } as const
const ofTask = { ...ofOwner, id: 'id' } as const

const statements = {
  // One statement for all tasks and one for each filter: each has its own index.
  list: {
    all: prepare('tasks.list', offsetPage(all), ofOwner),
    filtered: prepare('tasks.list, filtered', offsetPage(filtered), { ...ofOwner, is_completed: 'completed' })
  },
  listAfter: {
    all: prepare('tasks.listAfter', cursorPage(all), ofOwner),
    filtered: prepare('tasks.listAfter, filtered', cursorPage(filtered), { ...ofOwner, is_completed: 'completed' })
  },
  listAndOwner: {
    all: prepare('tasks.listAndOwner', offsetPageAndOwner(all), { asked: 'owner' }, { answersAlways: true }),
    filtered: prepare('tasks.listAndOwner, filtered', offsetPageAndOwner(filtered), { asked: 'owner' }, { answersAlways: true })
  },
  find: prepare('tasks.find', build.select(row).from(tasks).where(thisOne), ofTask),
  create: prepare('tasks.create', build.insert(tasks).values({
    id: placeholder('id'), ownerId: placeholder('owner'), title: placeholder('title'), description: placeholder('description')
  }).returning(row), { ...ofTask, title: 'title' }, { answersAlways: true }),
  update: prepare('tasks.update', build.update(tasks).set({
    title: sql`${placeholder('title')}`, description: sql`${placeholder('description')}`, updatedAt: touched
  }).where(thisOne).returning(row), { ...ofTask, title: 'title' }),
  complete: prepare('tasks.complete', build.update(tasks).set({
    isCompleted: sql`coalesce(${placeholder('completed')}, not ${tasks.isCompleted})`, updatedAt: touched
  }).where(thisOne).returning(row), { ...ofTask, is_completed: 'completed' }),
  remove: prepare('tasks.remove', build.delete(tasks).where(thisOne).returning({ id: tasks.id, user_id: row.user_id }), ofTask),
  owner: prepare('tasks.owner', build.select(theOwner).from(asked('owner')), ofOwner, { answersAlways: true }),
  /** Why a task was not there. When the owner has it after all, a wrong answer has hidden it, and this one is made to fail. */
  miss: prepare('tasks.miss', build.select({
    known: theOwner.known,
    foreign: sql<boolean>`coalesce(${tasks.ownerId} <> ${askedId}, false)`.as('foreign'),
    user_id: sql<string>`case when ${tasks.ownerId} = ${askedId} then null else ${askedId} end`.as('user_id')
  }).from(asked('owner')).leftJoin(tasks, eq(tasks.id, placeholder('id'))), ofOwner, { answersAlways: true })
}

/** Why a task was not found: it is another user's, nobody's, or the owner itself is gone. */
export type Miss = 'foreign' | 'absent' | 'owner gone'

/** What tasksOf returns. A class, because one is made for each request; not exported, so that it has no other maker. */
class OwnedTasks {
  constructor (private readonly db: Database, private readonly owner: string) {}

  /**
   * A page by offset, newest first.
   * @param completed only the done (true) or the open (false) ones, or all (undefined)
   * @returns at most `limit` tasks and how many there are in all; null when the owner is gone
   */
  async list (limit: number, offset: number, completed?: boolean): Promise<{ tasks: Task[], total: number } | null> {
    const which = completed === undefined ? 'all' : 'filtered'
    const values = { owner: this.owner, completed, limit, offset }
    const found = await this.db.run(statements.list[which], values)
    if (found.length > 0) return { tasks: found.map(({ total, ...task }) => task), total: found[0]!.total }
    const again = await this.db.run(statements.listAndOwner[which], values)
    if (!again[0]!.known) return null
    return { tasks: again.filter(({ id }) => id).map(({ total, asked, known, ...task }) => task as Task), total: again[0]!.total }
  }

  /**
   * A page after a position, newest first. Its cost does not depend on how deep it is.
   * @returns at most `limit` tasks; null when the owner is gone
   */
  async listAfter (limit: number, after: Pick<Task, 'created_at' | 'id'>, completed?: boolean): Promise<Task[] | null> {
    const which = completed === undefined ? 'all' : 'filtered'
    const found = await this.db.run(statements.listAfter[which], { owner: this.owner, completed, limit, ...after })
    if (found.length > 0) return found
    const [owner] = await this.db.run(statements.owner, { owner: this.owner })
    return owner!.known ? [] : null
  }

  /** @returns the task, or null when it is not the owner's; `explain` tells why */
  async find (id: string): Promise<Task | null> {
    return this.#one(statements.find, { id })
  }

  /** @returns the new task, or null when the owner is gone */
  async create (title: string, description: string | null): Promise<Task | null> {
    const id = uuidv7()
    try {
      return await this.#one(statements.create, { id, title, description })
    } catch (error) {
      // Otherwise the refusal was somebody else's.
      if (error instanceof ConstraintViolation && await this.explain(id) === 'owner gone') return null
      throw error
    }
  }

  /** Replaces the content. @returns as `find` */
  async update (id: string, title: string, description: string | null): Promise<Task | null> {
    return this.#one(statements.update, { id, title, description })
  }

  /** @param completed done, not done, or null for the other of the two. @returns as `find` */
  async complete (id: string, completed: boolean | null): Promise<Task | null> {
    return this.#one(statements.complete, { id, completed })
  }

  /** @returns the id of what was removed, or null as `find` */
  async remove (id: string): Promise<string | null> {
    const [removed] = await this.db.run(statements.remove, { owner: this.owner, id })
    return removed?.id ?? null
  }

  /** Tells why an id was not found. Only a miss pays for this question. */
  async explain (id: string): Promise<Miss> {
    const [miss] = await this.db.run(statements.miss, { owner: this.owner, id })
    if (!miss!.known) return 'owner gone'
    return miss!.foreign ? 'foreign' : 'absent'
  }

  async #one (statement: typeof statements.find, values: object): Promise<Task | null> {
    const [task] = await this.db.run(statement, { owner: this.owner, ...values })
    return task ?? null
  }
}

/**
 * The tasks of one owner, and the only way to any task: each statement has the owner in its WHERE, so that no
 * caller can forget it. (OWASP ASVS 5.0 §8.2.2)
 * @param db where they are
 * @param owner the id of their owner
 */
export const tasksOf = (db: Database, owner: string) => new OwnedTasks(db, owner)

export type { OwnedTasks }

import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, pgTable, primaryKey, smallint, text, timestamp, uuid, varchar, type AnyPgColumn } from 'drizzle-orm/pg-core'
import { accountLimits } from '../schemas/auth.js'
import { taskLimits } from '../schemas/tasks.js'

/** A text as long as its schema allows. PostgreSQL counts code points too. */
const limited = (name: string, { maxLength }: { maxLength: number }) => varchar(name, { length: maxLength })

const atLeast = (column: AnyPgColumn, { minLength }: { minLength: number }) =>
  sql`char_length(${column}) >= ${sql.raw(String(minLength))}`

/** Milliseconds, as the contract shows them: what is shown then sorts as what is stored. */
const time = (name: string) => timestamp(name, { precision: 3, withTimezone: true, mode: 'string' }).notNull().defaultNow()

export const users = pgTable('users', {
  id: uuid('id').primaryKey(),
  email: limited('email', accountLimits.email).notNull().unique('users_email_key'),
  name: limited('name', accountLimits.name).notNull(),
  passwordHash: text('password_hash').notNull(),
  createdAt: time('created_at')
}, (user) => [
  check('users_email_lower_case', sql`${user.email} = lower(${user.email})`),
  check('users_name_length', atLeast(user.name, accountLimits.name))
])

/** Both indexes are read backwards for "newest first", so that a page is an index scan without a sort. */
export const tasks = pgTable('tasks', {
  id: uuid('id').primaryKey(),
  ownerId: uuid('owner_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
  title: limited('title', taskLimits.title).notNull(),
  description: limited('description', taskLimits.description),
  isCompleted: boolean('is_completed').notNull().default(false),
  createdAt: time('created_at'),
  updatedAt: time('updated_at')
}, (task) => [
  index('tasks_owner_created').on(task.ownerId, task.createdAt, task.id),
  index('tasks_owner_completed_created').on(task.ownerId, task.isCompleted, task.createdAt, task.id),
  check('tasks_title_length', atLeast(task.title, taskLimits.title))
])

/**
 * How many tasks each owner has, so that a total costs the same however many they are: counted, 1,000,000 take 120 ms.
 * Triggers of the migration `task_counts_kept` keep it, in the transaction of whatever changes the tasks. Each session adds
 * to one of eight rows of an owner, so that two writers seldom wait for each other's commit; the sum counts, and one row may
 * be negative.
 */
export const taskCounts = pgTable('task_counts', {
  ownerId: uuid('owner_id').notNull(),
  slot: smallint('slot').notNull(),
  open: integer('open').notNull(),
  done: integer('done').notNull()
}, (count) => [primaryKey({ columns: [count.ownerId, count.slot] })])

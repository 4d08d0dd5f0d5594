import { sql, type SQL } from 'drizzle-orm'
import {
  bigint, boolean, check, customType, date, foreignKey, index, integer, pgSchema, primaryKey, text, timestamp, uuid, varchar,
  type AnyPgColumn
} from 'drizzle-orm/pg-core'
import { accountLimits } from '../schemas/auth.js'
import { taskLimits } from '../schemas/tasks.js'

/** Every statement names it: other programs in the database, and anybody's search path, do not matter. */
export const todo = pgSchema('todo')

/** A text as long as its schema allows. PostgreSQL counts code points too. */
const limited = (name: string, { maxLength }: { maxLength: number }) => varchar(name, { length: maxLength })

const atLeast = (column: AnyPgColumn, { minLength }: { minLength: number }) =>
  sql`char_length(${column}) >= ${sql.raw(String(minLength))}`

/** Milliseconds, as the contract shows them: what is shown then sorts as what is stored. */
const time = (name: string) => timestamp(name, { precision: 3, withTimezone: true, mode: 'string' }).notNull().defaultNow()

const number = (name: string) => bigint(name, { mode: 'number' }).notNull()

/**
 * A text in the form in which a search compares texts: NFKC, lower case in any script, both small sigmas as one. ICU says what
 * lower case is, so that the database's locale does not matter. To normalize costs 8 µs a text, to see that it is ASCII or
 * normalized already 1 or 3. (Unicode Standard, section 3.13, "Default Case Algorithms")
 */
export const searchable = (text: SQL): SQL => sql`replace(lower(case
  when octet_length(${text}) = char_length(${text}) or ${text} is nfkc normalized then ${text}
  else normalize(${text}, NFKC) end collate "und-x-icu"), 'ς', 'σ')`

const bytes = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })

export const users = todo.table('users', {
  id: uuid('id').primaryKey(),
  email: limited('email', accountLimits.email).notNull().unique('users_email_key'),
  name: limited('name', accountLimits.name).notNull(),
  passwordHash: text('password_hash').notNull(),
  /** Raised by whatever changes the password, but not by a hash of the same one at another cost. */
  passwordVersion: integer('password_version').notNull().default(0),
  emailVerified: boolean('email_verified').notNull().default(false),
  createdAt: time('created_at')
}, (user) => [
  check('users_email_lower_case', sql`${user.email} = lower(${user.email})`),
  check('users_name_length', atLeast(user.name, accountLimits.name))
])

/**
 * One row an owner, made with the account. Each change of a task counts it up, under its lock: the order of the numbers is
 * the order of the commits. The totals of the tasks stand beside, so that they cost the same however many there are.
 */
export const taskLists = todo.table('task_lists', {
  ownerId: uuid('owner_id').primaryKey(),
  /** The number of the newest change. */
  revision: number('revision').default(0),
  changedAt: time('changed_at'),
  open: integer('open').notNull().default(0),
  done: integer('done').notNull().default(0)
}, (list) => [
  foreignKey({ name: 'task_lists_owner_id_fkey', columns: [list.ownerId], foreignColumns: [users.id] }).onDelete('cascade')
])

/** Each key that leads to a task hangs on the list: writers and the deletion of an account lock in the same order. */
const ofList = (table: string, ownerId: AnyPgColumn) =>
  foreignKey({ name: `${table}_owner_id_fkey`, columns: [ownerId], foreignColumns: [taskLists.ownerId] }).onDelete('cascade')

/** The journal. Row 0 is made with the list and has no task; a change whose task is gone was its deletion. */
export const taskChanges = todo.table('task_changes', {
  ownerId: uuid('owner_id').notNull(),
  revision: number('revision'),
  taskId: uuid('task_id'),
  changedAt: time('changed_at')
}, (change) => [
  primaryKey({ name: 'task_changes_pkey', columns: [change.ownerId, change.revision] }),
  ofList('task_changes', change.ownerId),
  index('task_changes_changed_at').using('brin', change.changedAt)
])

/**
 * The indexes on `created_at` are read backwards for "newest first". `revision` is in none, and must not be: an index on what
 * every write changes would end HOT updates, and make each three times as expensive.
 */
export const tasks = todo.table('tasks', {
  id: uuid('id').primaryKey(),
  ownerId: uuid('owner_id').notNull(),
  title: limited('title', taskLimits.title).notNull(),
  description: limited('description', taskLimits.description),
  isCompleted: boolean('is_completed').notNull().default(false),
  createdAt: time('created_at'),
  updatedAt: time('updated_at'),
  /** The number of its newest change; 0 when none was since version 1.0. */
  revision: number('revision').default(0),
  dueDate: date('due_date', { mode: 'string' }),
  search: text('search').generatedAlwaysAs(searchable(sql.raw("(title || ' ' || coalesce(description, ''))")))
}, (task) => [
  ofList('tasks', task.ownerId),
  index('tasks_owner_created').on(task.ownerId, task.createdAt, task.id),
  index('tasks_owner_completed_created').on(task.ownerId, task.isCompleted, task.createdAt, task.id),
  index('tasks_owner_due').on(task.ownerId, sql`(coalesce(due_date, 'infinity'::date))`, task.id),
  check('tasks_title_length', atLeast(task.title, taskLimits.title))
])

/** What has been created under a client's key: enough to give the first answer again, whatever became of the task. */
export const idempotencyKeys = todo.table('idempotency_keys', {
  ownerId: uuid('owner_id').notNull(),
  key: varchar('key', { length: 255 }).notNull(),
  bodyHash: bytes('body_hash').notNull(),
  taskId: uuid('task_id').notNull(),
  createdAt: time('created_at'),
  revision: number('revision')
}, (key) => [
  primaryKey({ name: 'idempotency_keys_pkey', columns: [key.ownerId, key.key] }),
  ofList('idempotency_keys', key.ownerId),
  index('idempotency_keys_created_at').using('brin', key.createdAt)
])

/** What began with a login, and can be renewed and ended. Only the number of its refresh token is kept, and no token. */
export const sessions = todo.table('sessions', {
  ownerId: uuid('owner_id').notNull(),
  id: uuid('id').notNull(),
  /** The number of the current refresh token. */
  generation: integer('generation').notNull().default(0),
  createdAt: time('created_at'),
  /** Of the login, or of the last rotation. */
  lastUsedAt: time('last_used_at'),
  userAgent: varchar('user_agent', { length: 200 }),
  /** That of the account when it began: it outlives no change of the password. */
  passwordVersion: integer('password_version').notNull()
}, (session) => [
  primaryKey({ name: 'sessions_pkey', columns: [session.ownerId, session.id] }),
  foreignKey({ name: 'sessions_owner_id_fkey', columns: [session.ownerId], foreignColumns: [users.id] }).onDelete('cascade')
])

/** Sessions that have ended while an access token of theirs may live. No owner: an ending outlives the account. */
export const endings = todo.table('endings', {
  sessionId: uuid('session_id').primaryKey(),
  endedAt: time('ended_at')
}, (ending) => [index('endings_ended_at').on(ending.endedAt)])

/**
 * One row, for the start: which versions of the server can work with these tables. A migration that the version before could
 * not live with counts it up.
 */
export const compatibility = todo.table('compatibility', { generation: integer('generation').primaryKey() })

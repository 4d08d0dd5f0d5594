import { and, eq, sql } from 'drizzle-orm'
import { tasks } from '../db/tables.js'
import type { Task } from '../schemas/tasks.js'

const { placeholder } = sql

/** A task and the number of its newest change: together with `updated_at` that names this state of it, and no other. */
export interface VersionedTask { task: Task, revision: number }

/** A task as the contract shows it, named by SQL: a row leaves the database as the answer needs it. */
export const row = {
  id: tasks.id,
  title: tasks.title,
  description: tasks.description,
  is_completed: sql<boolean>`${tasks.isCompleted}`.as('is_completed'),
  due_date: sql<string | null>`${tasks.dueDate}`.as('due_date'),
  user_id: sql<string>`${tasks.ownerId}`.as('user_id'),
  created_at: sql<string>`${tasks.createdAt}`.as('created_at'),
  updated_at: sql<string>`${tasks.updatedAt}`.as('updated_at')
}

export const versionedRow = { ...row, revision: tasks.revision }

/** A row without what else came with it. Written out: a page has a hundred, and a rest pattern takes three times as long. */
export const taskOf = (row: Task): Task => ({
  id: row.id,
  title: row.title,
  description: row.description,
  is_completed: row.is_completed,
  due_date: row.due_date,
  user_id: row.user_id,
  created_at: row.created_at,
  updated_at: row.updated_at
})

export const versioned = (row: (Task & { revision: number }) | undefined): VersionedTask | null =>
  row ? { task: taskOf(row), revision: row.revision } : null

/** What each row has to repeat, so that nobody gets that of another. */
export const ofOwner = { user_id: 'owner' } as const
export const ofTask = { ...ofOwner, id: 'id' } as const

/** The owner, in whose name every statement about tasks is made. */
export const owner = sql`${placeholder('owner')}::uuid`
export const id = sql`${placeholder('id')}::uuid`

/** The WHERE that every statement about tasks begins with. */
export const byOwner = eq(tasks.ownerId, owner)
export const byOwnerAndId = and(byOwner, eq(tasks.id, id))

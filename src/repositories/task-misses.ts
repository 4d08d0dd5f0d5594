import { eq, sql } from 'drizzle-orm'
import { asked, askedId, build, prepare } from '../db/statement.js'
import { tasks, users } from '../db/tables.js'
import { id, ofOwner, row } from './task-row.js'
import type { Version } from './task-values.js'

/** Why a task was not found: it is another user's, nobody's, or the owner itself is gone; or the state that it is in instead. */
export type Miss = 'foreign' | 'absent' | 'owner gone' | Version

/** Whether there is such an owner. Both statements answer in any case: nothing is concluded from an answer that is lost. */
const known = sql<boolean>`exists ${build.select({ id: users.id }).from(users).where(eq(users.id, askedId))}`.as('known')

/** Whether the owner of a list without rows is gone. */
export const ownerKnown = prepare('tasks.owner', build.select({ user_id: askedId.as('user_id'), known }).from(asked('owner')), ofOwner,
  { answersAlways: true })

/** What is known of a task that was not found, and of who asked. */
export const miss = prepare('tasks.miss', build.select({
  user_id: askedId.as('user_id'),
  known,
  foreign: sql<boolean>`coalesce(${tasks.ownerId} <> ${askedId}, false)`.as('foreign'),
  own: sql<boolean>`coalesce(${tasks.ownerId} = ${askedId}, false)`.as('own'),
  revision: tasks.revision,
  updated_at: row.updated_at
}).from(asked('owner')).leftJoin(tasks, eq(tasks.id, id)), ofOwner, { answersAlways: true })

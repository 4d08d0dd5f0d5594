import argon2 from 'argon2'
import type { Sql } from 'postgres'

/** How large the data set is. */
export interface Sizes {
  /** Users with 1,000 tasks each. */
  users: number
  /** Users with many tasks, and how many. */
  large: number[]
}

/** Tasks of an ordinary user. */
export const TASKS = 1000

export const PASSWORD = 'correct horse battery staple'

/** The id of the n-th user; those with many tasks come after the ordinary ones. */
export const userId = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const emailOf = (n: number): string => `user${n}@example.com`

/** The id of a user's n-th task, oldest first. */
export const taskId = (user: number, n: number): string =>
  `00000000-0000-7000-9${String(user).padStart(5, '0').slice(0, 3)}-${String(user).padStart(5, '0').slice(3)}${String(n).padStart(10, '0')}`

const USER_ID = "('00000000-0000-7000-8000-' || lpad(u::text, 12, '0'))::uuid"
const TASK_ID = `('00000000-0000-7000-9' || left(lpad(u::text, 5, '0'), 3) || '-' || right(lpad(u::text, 5, '0'), 2) ||
  lpad(n::text, 10, '0'))::uuid`

/**
 * Tasks as people leave them: half have a description, a quarter is done.
 * @param users the users, as SQL that yields u
 * @param count tasks of each
 */
const addTasks = (users: string, count: number) => `
  insert into todo.tasks (id, owner_id, title, description, is_completed, created_at, updated_at)
  select ${TASK_ID}, ${USER_ID}, 'Task ' || n || ' of many: call the plumber',
    case when n % 2 = 0 then 'The one from last time, number ' || n || '; ask about the guarantee before he starts, and for a bill' end,
    n % 4 = 0, made, made
  from (
    select u, n, timestamptz '2026-01-01Z' + n * interval '17 seconds' + u * interval '3 milliseconds' as made
    from generate_series(1, ${count}) n, ${users} u
    -- By turns, so that neighbours in a list are far apart in the table, as they are when everybody adds tasks.
    order by n, u
  ) as task`

/** The totals of some lists, or of all, as the tasks are now. */
const recount = (where = 'true') => `
  update todo.task_lists set (open, done) = (
    select count(*) filter (where not is_completed), count(*) filter (where is_completed)
    from todo.tasks where tasks.owner_id = task_lists.owner_id) where ${where}`

/** Fills an empty, migrated database. */
export async function load (sql: Sql, { users, large }: Sizes): Promise<void> {
  const hash = await argon2.hash(PASSWORD, { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 })
  await sql.unsafe("set maintenance_work_mem = '512MB'; set work_mem = '256MB'; set synchronous_commit = off")
  await sql.unsafe(addUsersOf(`generate_series(0, ${users + large.length - 1}) u`, hash))
  await sql.unsafe(addTasks(`generate_series(0, ${users - 1})`, TASKS))
  for (const [at, count] of large.entries()) await sql.unsafe(addTasks(`generate_series(${users + at}, ${users + at})`, count))
  await sql.unsafe(recount())
  await sql.unsafe('vacuum analyze')
  await sql.unsafe('checkpoint')
}

/** Users without tasks, as SQL that is one transaction: list and journal begin at one time. @param users as SQL that yields u */
const addUsersOf = (users: string, hash: string) => `
  insert into todo.users (id, email, name, password_hash)
    select ${USER_ID}, 'user' || u || '@example.com', 'User ' || u, '${hash}' from ${users};
  insert into todo.task_lists (owner_id) select ${USER_ID} from ${users};
  insert into todo.task_changes (owner_id, revision) select ${USER_ID}, 0 from ${users}`

/** Adds users who have nothing, and do not log in. */
export async function addUsers (sql: Sql, from: number, count: number): Promise<void> {
  await sql.unsafe(addUsersOf(`generate_series(${from}, ${from + count - 1}) u`, 'none'))
  await sql.unsafe('vacuum analyze')
}

/** What the benchmark itself adds, to find it again. */
export const MADE = 'Made by the benchmark'

/** Adds tasks that can be deleted, numbered from `from`. */
export async function addDeletable (sql: Sql, [first, last]: [number, number], from: number, each: number): Promise<void> {
  await sql.unsafe(`insert into todo.tasks (id, owner_id, title)
    select ${TASK_ID}, ${USER_ID}, '${MADE}' from generate_series(${from}, ${from + each - 1}) n, generate_series(${first}, ${last}) u`)
  await sql.unsafe(recount(`owner_id in (select ${USER_ID} from generate_series(${first}, ${last}) u)`))
}

/** Takes away what a measurement of writes has added, so that the next one finds the same. */
export async function tidy (sql: Sql): Promise<void> {
  await sql`delete from todo.tasks where title = ${MADE}`
  await sql.unsafe(recount('revision > 0'))
  await sql.unsafe('vacuum analyze')
}

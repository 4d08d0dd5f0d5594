import { sql, type SQL } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../db/database.js'
import { ConstraintViolation } from '../db/errors.js'
import { prepareSql } from '../db/statement.js'
import { endings, sessions, users } from '../db/tables.js'
import type { User } from '../schemas/auth.js'
import { id, owner } from './task-row.js'

/** A session as it is stored; times as RFC 3339 text. */
export interface StoredSession {
  id: string
  generation: number
  created_at: string
  last_used_at: string
}

/** A session as its owner sees it. */
export interface ListedSession {
  id: string
  created_at: string
  last_used_at: string
  user_agent: string | null
}

/** A session with its owner. */
interface Renewable { session: StoredSession, user: User }

/** Before these times a session has been idle, or has lived, for too long. */
export interface Bounds { idle: string, max: string }

/** Sessions of one owner at most. */
const MAX_SESSIONS = 100

const { placeholder } = sql
const now = sql`${placeholder('now')}::timestamptz`
/** Whether a session `s` has neither been idle, nor lived, for too long: `Bounds` are its values. */
export const isAlive = sql`s.last_used_at > ${placeholder('idle')}::timestamptz and s.created_at > ${placeholder('max')}::timestamptz`

const ofOwner = { owner_id: 'owner' } as const
const ofSession = { ...ofOwner, id: 'id' } as const

type Owned<Row> = Row & { owner_id: string }

/** No row when the password has changed since it was verified. */
const begin = prepareSql('sessions.begin', sql<Owned<StoredSession>>`
  insert into ${sessions} (owner_id, id, created_at, last_used_at, user_agent, password_version)
  select u.id, ${id}, ${now}, ${now}, ${placeholder('agent')}::varchar, u.password_version
  from ${users} u where u.id = ${owner} and u.password_version = ${placeholder('version')}::int
  returning owner_id, id, generation, created_at, last_used_at`, ofSession)

/**
 * Asked by a login after its session is written: the present version of the password. A change that committed meanwhile has not
 * seen the session, nor the session's statement the change. Removes the oldest sessions when there are too many.
 */
const afterBegin = prepareSql('sessions.afterBegin', sql<Owned<{ password_version: number }>>`
  with gone as (delete from ${sessions} where owner_id = ${owner} and id in (
    select s.id from ${sessions} s where s.owner_id = ${owner} order by s.last_used_at desc, s.id desc offset ${sql.raw(String(MAX_SESSIONS))}))
  select u.id as owner_id, u.password_version from ${users} u where u.id = ${owner}`, ofOwner)

const account = sql`u.email, u.name, u.created_at as user_created_at, u.email_verified`

type Account = { email: string, name: string, user_created_at: string, email_verified: boolean }

/** The whole of a renewal on the happy path. No row unless the token is the current one of a session that lives. */
const rotate = prepareSql('sessions.rotate', sql<Owned<StoredSession & Account>>`
  update ${sessions} s set generation = s.generation + 1, last_used_at = ${now} from ${users} u
  where s.owner_id = ${owner} and s.id = ${id} and s.generation = ${placeholder('generation')}::int
    and u.id = s.owner_id and u.id = ${owner} and u.password_version = s.password_version and ${isAlive}
  returning s.owner_id, s.id, s.generation, s.created_at, s.last_used_at, ${account}`, ofSession)

const find = prepareSql('sessions.find', sql<Owned<StoredSession & Account>>`
  select s.owner_id, s.id, s.generation, s.created_at, s.last_used_at, ${account} from ${sessions} s join ${users} u on u.id = s.owner_id
  where s.owner_id = ${owner} and s.id = ${id} and u.password_version = s.password_version and ${isAlive}`, ofSession)

/** One row at least, while there is such an owner. */
const list = prepareSql('sessions.list', sql<Owned<{ [Field in keyof ListedSession]: ListedSession[Field] | null }>>`
  select u.id as owner_id, s.id, s.created_at, s.last_used_at, s.user_agent from ${users} u
  left join ${sessions} s on s.owner_id = u.id and s.owner_id = ${owner} and s.password_version = u.password_version and ${isAlive}
  where u.id = ${owner} order by s.last_used_at desc, s.id desc`, ofOwner)

/** Sessions end, and their access tokens with them, in one statement. */
const ending = (name: string, which: SQL) => prepareSql(name, sql<Owned<{ id: string }>>`
  with gone as (delete from ${sessions} s where s.owner_id = ${owner} and ${which} returning s.owner_id, s.id),
    ended as (insert into ${endings} (session_id, ended_at) select gone.id, now() from gone on conflict do nothing)
  select gone.owner_id, gone.id from gone`, ofOwner)

const endOne = ending('sessions.end', sql`s.id = ${id} and ${isAlive}`)
const endAll = ending('sessions.endAll', sql`true`)
const endOthers = ending('sessions.endOthers', sql`s.id <> ${id}`)
const endOutdated = ending('sessions.endOutdated', sql`s.password_version < ${placeholder('version')}::int`)

/** The same of one session that need not be stored: there may have been too many. No row when the owner is gone. */
const logOut = prepareSql('sessions.logOut', sql<{ owner_id: string }>`
  with owner as (select u.id from ${users} u where u.id = ${owner}),
    gone as (delete from ${sessions} s where s.owner_id = ${owner} and s.id = ${id}),
    ended as (insert into ${endings} (session_id, ended_at) select ${id}, now() from owner where ${id} is not null on conflict do nothing)
  select owner.id as owner_id from owner`, ofOwner)

/** The owner of a token. */
const userOf = ({ owner_id: id, email, name, user_created_at: createdAt, email_verified: verified }: Owned<Account>): User =>
  ({ id, email, name, created_at: createdAt, email_verified: verified })

/** @returns what `work` does; nothing when the account goes meanwhile */
async function unlessGone<Row> (work: () => Promise<Row[]>): Promise<Row[]> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ConstraintViolation && error.constraint === 'sessions_owner_id_fkey') return []
    throw error
  }
}

const ids = (rows: Array<{ id: string }>) => rows.map((row) => row.id)

/**
 * The sessions of one owner, and the only way to any session.
 * @param db where they are
 * @param owner the id of their owner
 */
export const sessionsOf = (db: Database, owner: string) => ({
  /**
   * Begins a session.
   * @param version of the password that was verified
   * @returns it; null when the password has changed meanwhile or the owner is gone
   */
  async begin (version: number, agent: string | null, now: string): Promise<StoredSession | null> {
    const [begun] = await unlessGone(async () => await db.run(begin, { owner, id: uuidv7(), version, agent, now }))
    if (!begun) return null
    const [after] = await db.run(afterBegin, { owner })
    if (after?.password_version === version) return begun
    await db.run(endOutdated, { owner, version: version + 1 })
    return null
  },

  /** Makes the next generation of the refresh token. @returns null unless `generation` is the current one */
  async rotate (id: string, generation: number, now: string, bounds: Bounds): Promise<Renewable | null> {
    const [row] = await db.run(rotate, { owner, id, generation, now, ...bounds })
    return row ? { session: row, user: userOf(row) } : null
  },

  /** @returns null for one that has ended, in whatever way */
  async find (id: string, bounds: Bounds): Promise<Renewable | null> {
    const [row] = await db.run(find, { owner, id, ...bounds })
    return row ? { session: row, user: userOf(row) } : null
  },

  /** @returns the live sessions, last used first; null when the owner is gone */
  async list (bounds: Bounds): Promise<ListedSession[] | null> {
    const rows = await db.run(list, { owner, ...bounds })
    if (rows.length === 0) return null
    return rows.filter(({ id }) => id !== null).map(({ owner_id: _, ...session }) => session as ListedSession)
  },

  /** Ends a session whether it is stored or not; null for none. @returns whether there is such an owner */
  logOut: async (id: string | null): Promise<boolean> => (await db.run(logOut, { owner, id })).length > 0,

  /** @returns the ids of what has ended: none when it had ended before */
  end: async (id: string, bounds: Bounds): Promise<string[]> => ids(await db.run(endOne, { owner, id, ...bounds })),

  /** @param except the one that goes on; null for none. @returns as `end` */
  endAll: async (except: string | null): Promise<string[]> =>
    ids(await db.run(except === null ? endAll : endOthers, { owner, id: except })),

  /** Ends what began with an earlier password. @param version of the present one. @returns as `end` */
  endOutdated: async (version: number): Promise<string[]> => ids(await db.run(endOutdated, { owner, version }))
})
export type OwnedSessions = ReturnType<typeof sessionsOf>

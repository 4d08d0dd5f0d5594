import { and, eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../db/database.js'
import { ConstraintViolation } from '../db/errors.js'
import { asked, askedId, build, prepare, prepareSql } from '../db/statement.js'
import { sessions, taskChanges, taskLists, users } from '../db/tables.js'
import type { User } from '../schemas/auth.js'

/** A user as the contract shows it. The password hash is not among the columns. */
const row = {
  id: users.id,
  email: users.email,
  name: users.name,
  created_at: sql<string>`${users.createdAt}`.as('created_at'),
  email_verified: sql<boolean>`${users.emailVerified}`.as('email_verified')
}

/** What a password is verified against, and what tells whether it has changed since. */
const credentials = {
  password_hash: sql<string>`${users.passwordHash}`.as('password_hash'),
  password_version: sql<number>`${users.passwordVersion}`.as('password_version')
}

const { placeholder } = sql
const thisUser = eq(users.id, placeholder('id'))

const made = build.$with('made').as(build.insert(users).values({
  id: placeholder('id'), email: placeholder('email'), name: placeholder('name'), passwordHash: placeholder('hash')
}).returning(row))

/** An account begins with its list of tasks, and the list with row 0 of its journal. */
const list = build.$with('list').as(build.insert(taskLists).values({ ownerId: placeholder('id') }).returning({ owner: taskLists.ownerId }))
const begun = build.$with('begun').as(build.insert(taskChanges).values({ ownerId: placeholder('id'), revision: 0 })
  .returning({ owner: taskChanges.ownerId }))

const create = prepare('users.create', build.with(made, list, begun).select(made._.selectedFields).from(made)
  .crossJoin(list).crossJoin(begun), { id: 'id', email: 'email' }, { answersAlways: true })

// Each has a row even without an account, so that an absent account differs from the answer to another statement.

const find = prepare('users.find', build.select({ asked: askedId.as('asked'), ...row, ...credentials })
  .from(asked('id')).leftJoin(users, eq(users.id, askedId)), { asked: 'id' }, { answersAlways: true })

const findLogin = prepare('users.findLogin', build.select({ asked: sql<string>`asked.value`.as('asked'), ...row, ...credentials })
  .from(asked('email')).leftJoin(users, eq(users.email, sql`asked.value`)), { asked: 'email' }, { answersAlways: true })

const updateHash = prepare('users.updateHash', build.update(users).set({ passwordHash: sql`${placeholder('next')}` })
  .where(and(thisUser, eq(users.passwordHash, placeholder('previous')))).returning({ id: users.id }), { id: 'id' })

const rename = prepare('users.rename', build.update(users).set({ name: sql`${placeholder('name')}` })
  .where(thisUser).returning(row), { id: 'id', name: 'name' })

/** Moves the session that changes the password to the new version, so that it goes on. */
const changePassword = (name: string, isProof: boolean) => prepareSql(name, sql<{ id: string, password_version: number }>`
  with changed as (
      update ${users} u set password_hash = ${placeholder('hash')}::text, password_version = u.password_version + 1
        ${isProof ? sql`, email_verified = true` : sql``}
      where u.id = ${placeholder('id')}::uuid and u.password_version = ${placeholder('version')}::int returning u.id, u.password_version),
    moved as (
      update ${sessions} s set password_version = changed.password_version from changed
      where s.owner_id = ${placeholder('id')}::uuid and s.owner_id = changed.id and s.id = ${placeholder('session')}::uuid returning s.id)
  select id, password_version from changed`, { id: 'id' })

const change = changePassword('users.changePassword', false)
/** A reset by mail also proves that the address works. */
const reset = changePassword('users.resetPassword', true)

const confirmEmail = prepare('users.confirmEmail', build.update(users)
  .set({ email: sql`${placeholder('email')}`, emailVerified: sql`true` })
  .where(and(thisUser, eq(users.email, placeholder('from')),
    sql`${users.passwordVersion} = coalesce(${placeholder('version')}::int, ${users.passwordVersion})`)).returning(row), { id: 'id', email: 'email' })

/** Cascades to list, tasks, journal, keys and sessions. */
const remove = prepare('users.remove', build.delete(users).where(thisUser).returning({ id: users.id }), { id: 'id' })

/** An email that is confirmed: from which one, and of which version of the password; null for any. */
interface EmailChange { from: string, email: string, version: number | null }

/** A row without an account, when it does not exist. */
type Found = { [Field in keyof (User & Credentials)]: (User & Credentials)[Field] | null } & { asked: string }
interface Credentials { password_hash: string, password_version: number }

/** An account with what its password is verified against. */
export interface Account { user: User, hash: string, version: number }

function accountOf ({ asked: _, password_hash: hash, password_version: version, ...user }: Found): Account | null {
  return user.id === null ? null : { user: user as User, hash: hash!, version: version! }
}

/** @returns what `work` does; null when the email is another account's */
async function unlessTaken<T> (work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ConstraintViolation && error.kind === 'unique' && error.constraint === 'users_email_key') return null
    throw error
  }
}

/**
 * The accounts.
 * @param db where they are
 */
export const usersIn = (db: Database) => ({
  /** @returns the new user, or null when the email is taken, also by a signup at the same time */
  create: async (user: { email: string, name: string, hash: string }): Promise<User | null> => await unlessTaken(async () => {
    const [created] = await db.run(create, { id: uuidv7(), ...user })
    return created!
  }),

  /** @returns the user, or null */
  async find (id: string): Promise<User | null> {
    return (await this.findAccount(id))?.user ?? null
  },

  /** @returns the user with the credentials, or null */
  async findAccount (id: string): Promise<Account | null> {
    const [found] = await db.run(find, { id })
    return accountOf(found!)
  },

  /** @returns as `findAccount`, by the email */
  async findLogin (email: string): Promise<Account | null> {
    const [found] = await db.run(findLogin, { email })
    return accountOf(found!)
  },

  /** Replaces a hash by one of the same password, unless it has been replaced meanwhile. */
  async updateHash (id: string, previous: string, next: string): Promise<void> {
    await db.run(updateHash, { id, previous, next })
  },

  /** @returns the user as it is now; null when it is gone */
  async rename (id: string, name: string): Promise<User | null> {
    const [renamed] = await db.run(rename, { id, name })
    return renamed ?? null
  },

  /**
   * Changes the password. Sessions of the version before are to be ended when this has committed.
   * @param version of the password that was verified
   * @param session that goes on; null for none
   * @returns the new version; null when the password has changed meanwhile, or the user is gone
   */
  async changePassword (id: string, version: number, hash: string, session: string | null): Promise<number | null> {
    const [changed] = await db.run(change, { id, version, hash, session })
    return changed?.password_version ?? null
  },

  /** The same by a link in a mail. */
  async resetPassword (id: string, version: number, hash: string): Promise<number | null> {
    const [changed] = await db.run(reset, { id, version, hash, session: null })
    return changed?.password_version ?? null
  },

  /**
   * Makes a confirmed email the user's, if `from` still is, and the password has the version, if one is given.
   * @returns whether it is; null when another account has it
   */
  confirmEmail: async (id: string, change: EmailChange): Promise<boolean | null> => await unlessTaken(async () => {
    const confirmed = await db.run(confirmEmail, { id, ...change })
    return confirmed.length > 0
  }),

  /** Deletes the account and everything that belongs to it. */
  async remove (id: string): Promise<void> {
    await db.run(remove, { id })
  }
})
export type Users = ReturnType<typeof usersIn>

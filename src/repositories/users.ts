import { and, eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../db/database.js'
import { ConstraintViolation } from '../db/errors.js'
import { asked, askedId, build, prepare } from '../db/statement.js'
import { taskChanges, taskLists, users } from '../db/tables.js'
import type { User } from '../schemas/auth.js'

/** A user as the contract shows it. The password hash is not among the columns. */
const row = { id: users.id, email: users.email, name: users.name, created_at: sql<string>`${users.createdAt}`.as('created_at') }

const { placeholder } = sql

const made = build.$with('made').as(build.insert(users).values({
  id: placeholder('id'), email: placeholder('email'), name: placeholder('name'), passwordHash: placeholder('hash')
}).returning(row))

/** An account begins with its list of tasks, and the list with row 0 of its journal. */
const list = build.$with('list').as(build.insert(taskLists).values({ ownerId: placeholder('id') }).returning({ owner: taskLists.ownerId }))
const begun = build.$with('begun').as(build.insert(taskChanges).values({ ownerId: placeholder('id'), revision: 0 })
  .returning({ owner: taskChanges.ownerId }))

const create = prepare('users.create', build.with(made, list, begun).select(made._.selectedFields).from(made)
  .crossJoin(list).crossJoin(begun), { id: 'id', email: 'email' }, { answersAlways: true })

// Each has a row for nobody too: an account that is not there is told from an answer to somebody else's question.

const find = prepare('users.find', build.select({ asked: askedId.as('asked'), ...row })
  .from(asked('id')).leftJoin(users, eq(users.id, askedId)), { asked: 'id' }, { answersAlways: true })

const findLogin = prepare('users.findLogin', build.select({
  asked: sql<string>`asked.value`.as('asked'), ...row, password_hash: sql<string>`${users.passwordHash}`.as('password_hash')
}).from(asked('email')).leftJoin(users, eq(users.email, sql`asked.value`)), { asked: 'email' }, { answersAlways: true })

const updateHash = prepare('users.updateHash', build.update(users).set({ passwordHash: sql`${placeholder('next')}` })
  .where(and(eq(users.id, placeholder('id')), eq(users.passwordHash, placeholder('previous')))).returning({ id: users.id }), { id: 'id' })

/** A row without an account, when nobody is there. */
type Found = { [Field in keyof User]: User[Field] | null } & { asked: string }

const accountOf = ({ asked: _, ...user }: Found): User | null => user.id === null ? null : user as User

/**
 * The accounts.
 * @param db where they are
 */
export const usersIn = (db: Database) => ({
  /** @returns the new user, or null when the email is taken, also by a signup at the same time */
  async create (user: { email: string, name: string, hash: string }): Promise<User | null> {
    try {
      const [created] = await db.run(create, { id: uuidv7(), ...user })
      return created!
    } catch (error) {
      if (error instanceof ConstraintViolation && error.kind === 'unique' && error.constraint === 'users_email_key') return null
      throw error
    }
  },

  /** @returns the user, or null */
  async find (id: string): Promise<User | null> {
    const [found] = await db.run(find, { id })
    return accountOf(found!)
  },

  /** @returns the user and the password's hash apart, or null */
  async findLogin (email: string): Promise<{ user: User, hash: string } | null> {
    const [found] = await db.run(findLogin, { email })
    const { password_hash: hash, ...rest } = found!
    const user = accountOf(rest)
    return user && { user, hash }
  },

  /** Replaces a hash by one of the same password, unless it has been replaced meanwhile. */
  async updateHash (id: string, previous: string, next: string): Promise<void> {
    await db.run(updateHash, { id, previous, next })
  }
})

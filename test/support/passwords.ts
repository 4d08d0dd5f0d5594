import { createHook } from 'node:async_hooks'
import type { Answer, startApp } from '../helper.js'
import { newEmail } from './signup.js'

type App = Pick<Awaited<ReturnType<typeof startApp>>, 'call' | 'sql'>

/** Accounts by their passwords, and what the database keeps of these. */
export function passwordsOf ({ call, sql }: App) {
  return {
    /** Logs in, also at another application. */
    logIn: async (email: string, password: string, at = call): Promise<Answer> => at('POST', '/api/auth/login', { body: { email, password } }),
    /** Signs somebody up. @returns the email */
    async accountWith (password: string): Promise<string> {
      const email = newEmail()
      const { status } = await call('POST', '/api/auth/signup', { body: { email, password, name: 'Ada' } })
      if (status !== 201) throw new Error(`no account with ${JSON.stringify(password)}: ${status}`)
      return email
    },
    async hashOf (email: string): Promise<string> {
      const [row] = await sql<{ password_hash: string }>('select password_hash from todo.users where email = $1', [email])
      return row!.password_hash
    },
    /**
     * Makes every INSERT or UPDATE of a user fail, with the row in the message, as a careless trigger would.
     * @returns what allows them again
     */
    async refuseWrites (what: 'insert' | 'update') {
      await sql(`create function refuse_${what}() returns trigger language plpgsql as
        $$ begin raise exception 'refused: %', new; end $$`)
      await sql(`create trigger refuse_${what} before ${what} on todo.users for each row execute function refuse_${what}()`)
      return async () => sql(`drop function refuse_${what} cascade`)
    }
  }
}

/** @returns how many Argon2 hashes were computed meanwhile, as Node announces its asynchronous work */
export async function hashesDuring (work: () => Promise<unknown>): Promise<number> {
  let hashes = 0
  const hook = createHook({ init: (_id, type) => { if (type === 'argon2:HashWorker') hashes++ } }).enable()
  try {
    await work()
  } finally {
    hook.disable()
  }
  return hashes
}

/** @returns how many Argon2 hashes were computed at a time, at most */
export async function hashesAtATime (work: () => Promise<unknown>): Promise<number> {
  const running = new Set<number>()
  let most = 0
  const hook = createHook({
    init (id, type) {
      if (type !== 'argon2:HashWorker') return
      most = Math.max(most, running.add(id).size)
    },
    before (id) { running.delete(id) }
  }).enable()
  try {
    await work()
  } finally {
    hook.disable()
  }
  return most
}

import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { buildApp, type Outside } from '../src/app.js'
import { loadConfig } from '../src/config/load.js'
import type { Database } from '../src/db/database.js'
import type { LoginAnswer, User } from '../src/schemas/auth.js'
import type { Task } from '../src/schemas/tasks.js'
import { watchContract } from './support/contract.js'
import { cleanDatabase, sqlOn } from './support/database.js'
import type { KeptLog } from './support/log.js'
import { teardown } from './support/teardown.js'

export const PASSWORD = 'correct horse battery staple'

/** Settings of the tests: the hashes are cheap, the log is silent. */
export const testSettings = {
  SECRET_KEY: 'for tests only, and long enough for HS256',
  ARGON2_MEMORY_KIB: '64',
  ARGON2_TIME_COST: '1',
  LOG_LEVEL: 'silent',
  RATE_LIMIT: 'off'
}

export interface Options extends Outside {
  settings?: NodeJS.ProcessEnv
  /** Another application's database, to share it. */
  database?: Database
  /** Where its log goes. */
  output?: KeptLog
  /** Called before the application is ready, to add what a test needs: a hook, a route. */
  prepare?: (app: FastifyInstance) => unknown
}

export interface CallOptions {
  token?: string | undefined
  body?: unknown
  headers?: Record<string, string>
}

/**
 * An application on a clean database, and what a client of it does. Every answer is compared with the OpenAPI
 * document; the test fails on one that does not fit.
 */
export async function startApp (t: Test, { settings, database, prepare, ...outside }: Options = {}) {
  const { database: db, drop } = database ? { database, drop: async () => {} } : await cleanDatabase()
  // A shared database stays open for the application it came from.
  const own = database ? { ...db, close: async () => {} } : db
  const app = await buildApp(loadConfig({ ...testSettings, ...settings }), own, outside)
  const violations = watchContract(app)
  await prepare?.(app)
  const fits = () => { if (violations.length > 0) throw new Error(`answers that do not fit the OpenAPI document:\n${violations.join('\n')}`) }
  teardown(t, async () => {
    await app.close()
    await drop()
    fits()
  })
  await app.ready()

  /** One request. The body goes out as JSON; a string or a Buffer goes out as it is, said to be JSON. */
  async function call (method: string, url: string, { token, body, headers = {} }: CallOptions = {}) {
    const raw = typeof body === 'string' || Buffer.isBuffer(body)
    const answer = await app.inject({
      method,
      url,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body === undefined ? {} : { payload: raw ? body : JSON.stringify(body) })
    })
    fits()
    return { status: answer.statusCode, headers: answer.headers, text: answer.body, body: parsed(answer.body) }
  }

  /** Signs somebody up and logs them in, as a person would. */
  async function signUp (name = 'Ada'): Promise<Person> {
    const email = `${name.toLowerCase()}-${randomUUID()}@example.com`
    await call('POST', '/api/auth/signup', { body: { email, password: PASSWORD, name } })
    const { body } = await call('POST', '/api/auth/login', { body: { email, password: PASSWORD } })
    const { access_token: token, user } = body as LoginAnswer
    return {
      id: user.id,
      email,
      token,
      user,
      call: async (method, url, options) => call(method, url, { token, ...options }),
      async add (title, description) {
        const { body: task } = await call('POST', '/api/tasks', { token, body: { title, ...(description === undefined ? {} : { description }) } })
        return task as Task
      }
    }
  }

  return { app, db, call, signUp, sql: sqlOn(db) }
}

/** Somebody with an account and a token. */
export interface Person {
  id: string
  email: string
  token: string
  user: User
  call: (method: string, url: string, options?: CallOptions) => Promise<Answer>
  /** Creates a task. */
  add: (title: string, description?: string | null) => Promise<Task>
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | number | undefined>
  text: string
  // Whatever the server said; tests look into it.
  body: any
}

function parsed (text: string): any {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

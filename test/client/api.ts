import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { createTodoClient, TodoApiError, unwrap } from '../../client/src/index.js'
import { PASSWORD, startApp } from '../helper.js'

/** An API that listens, and people who use it through the client. */
export async function startApi (t: Test) {
  const { app, sql } = await startApp(t)
  const baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })

  /** Somebody with an account, who is logged in. The session's token is sent with each request. */
  async function person (name = 'Ada') {
    const session = { token: '' }
    const credentials = { email: `${name.toLowerCase()}-${randomUUID()}@example.com`, password: PASSWORD }
    const todo = createTodoClient({ baseUrl, token: () => session.token })
    const user = await unwrap(todo.signUp({ ...credentials, name }))
    session.token = (await unwrap(todo.logIn(credentials))).access_token
    return { todo, credentials, user, session }
  }

  return { app, baseUrl, person, sql }
}

/** What a promise rejects with, which is the client's error. */
export async function rejection (promise: Promise<unknown>): Promise<TodoApiError> {
  const error = await promise.then(() => null, (reason: unknown) => reason)
  if (!(error instanceof TodoApiError)) throw new Error(`no TodoApiError: ${String(error)}`)
  return error
}

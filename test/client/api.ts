import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import {
  createTodoClient, memoryStore, TodoApiError, unwrap, type LoggedOutReason, type TodoClientOptions
} from '../../client/src/index.js'
import { PASSWORD, startApp, type Options } from '../helper.js'

/** An API that listens, and people who use it through the client. */
export async function startApi (t: Test, options?: Options) {
  const { app, sql } = await startApp(t, options)
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

  /**
   * Somebody who has logged in with a client that keeps a session.
   * @returns with it what the client has asked, in order, and `treat`, which decides about each request: null sends it
   */
  async function member (options: Partial<TodoClientOptions> = {}) {
    const store = options.store ?? memoryStore()
    const credentials = { email: `grace-${randomUUID()}@example.com`, password: PASSWORD }
    const asked: string[] = []
    const told: LoggedOutReason[] = []
    const way = { treat: async (_request: Request): Promise<Response | null> => null }
    const todo = createTodoClient({
      baseUrl,
      store,
      onLoggedOut: (reason) => { told.push(reason) },
      fetch: async (request) => {
        asked.push(`${request.method} ${new URL(request.url).pathname}`)
        return await way.treat(request) ?? await fetch(request)
      },
      ...options
    })
    const user = await unwrap(todo.signUp({ ...credentials, name: 'Grace' }))
    await unwrap(todo.logIn(credentials))
    asked.length = 0

    const kept = async () => (await store.get())!

    /** From now on the access token is one that expired a second ago, as the clock of this machine says or does not say. */
    async function expire (isKnown: boolean): Promise<void> {
      const tokens = await kept()
      const [, claims] = tokens.access_token.split('.')
      const { sub, sid } = JSON.parse(Buffer.from(claims!, 'base64url').toString()) as { sub: string, sid: string }
      const exp = Math.floor(Date.now() / 1000) - 1
      const token = app.jwt.present.sign({ sub, sid, iat: 1, exp })
      await store.set({ ...tokens, access_token: token, ...isKnown && { expires_at: exp * 1000 } })
    }

    return { todo, user, credentials, store, kept, expire, asked, told, way }
  }

  return { app, baseUrl, person, member, sql }
}

/** What a promise rejects with, which is the client's error. */
export async function rejection (promise: Promise<unknown>): Promise<TodoApiError> {
  const error = await promise.then(() => null, (reason: unknown) => reason)
  if (!(error instanceof TodoApiError)) throw new Error(`no TodoApiError: ${String(error)}`)
  return error
}

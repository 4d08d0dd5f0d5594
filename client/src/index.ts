import createClient, { type Client } from 'openapi-fetch'
import { accountOf, sessionsOf } from './account.js'
import type { Fetch } from './renew.js'
import type { Result } from './result.js'
import type { components, paths } from './schema.js'
import { exporter, pathOf, sender, type RequestSettings } from './send.js'
import { openSession, type LoggedOutReason } from './session.js'
import { memoryStore, type TokenStore } from './store.js'
import { syncOf, type Source } from './sync.js'
import { tasksOf } from './tasks.js'

export type { EndAllSettings } from './account.js'
export { TodoApiError, unwrap, type Failure, type OperationId, type Result } from './result.js'
export type { components, operations, paths } from './schema.js'
export type { Batch, Change, SyncState } from './changes.js'
export type { Export, RequestSettings } from './send.js'
export type { LoggedOutReason } from './session.js'
export { localStorageStore, memoryStore, type Tokens, type TokenStore } from './store.js'
export type { Apply, ChangesSettings, SyncSettings } from './sync.js'
export type {
  CreateSettings, Task, TaskCreate, TaskPage, TaskPatch, TaskQuery, TaskUpdate, WalkQuery, WriteSettings
} from './tasks.js'

type Schemas = components['schemas']
export type User = Schemas['User']
export type SignupRequest = Schemas['SignupRequest']
export type LoginRequest = Schemas['LoginRequest']
export type LoginAnswer = Schemas['LoginAnswer']
/** A login somewhere. */
export type Session = Schemas['Session']
/** Every error answer but 422. */
export type ErrorAnswer = Schemas['ErrorAnswer']
/** The answer 422: the broken rules. */
export type ValidationError = Schemas['ValidationError']
/** One broken rule; `loc` is its place, such as `['body', 'title']`. */
export type Issue = Schemas['ValidationIssue']

export interface TodoClientOptions {
  /** Where the API is, without `/api`: `https://todo.example.com`. */
  baseUrl: string
  /**
   * The `access_token` of a login, or a function that is asked for it before each request. Without it the client keeps a session
   * by itself.
   */
  token?: string | (() => string | null | undefined | Promise<string | null | undefined>)
  /** Where the tokens of the session are; in memory by default. */
  store?: TokenStore
  /** Called when the session is over without `logOut`. */
  onLoggedOut?: (reason: LoggedOutReason) => void
  /** Instead of the global one. */
  fetch?: (request: Request) => Promise<Response>
}

/**
 * A client of the API. Every method but `walk` resolves to a Result. It rejects with a TodoApiError for an answer that the API
 * does not document, with the error of `fetch` when there is no answer at all, and with a TypeError for an id that would make
 * another path of its path, such as `''` or `'..'`: nothing is asked then.
 */
export function createTodoClient ({ baseUrl, token, store = memoryStore(), onLoggedOut, fetch = ask }: TodoClientOptions) {
  const session = token === undefined ? openSession({ baseUrl, fetch, store, onLoggedOut }) : null
  const clientOn = (way: Fetch): Client<paths> => createClient<paths>({ baseUrl, fetch: way, pathSerializer: pathOf })
  const api = clientOn(session?.fetch ?? fetch)
  if (token !== undefined) {
    api.use({
      async onRequest ({ request }) {
        const current = typeof token === 'function' ? await token() : token
        if (current) request.headers.set('Authorization', `Bearer ${current}`)
      }
    })
  }
  const send = sender(api)
  const leave = async () => { await session?.end() }

  /** What follows changes does so for one person, whoever is logged in later. */
  async function source (): Promise<Source> {
    if (!session) return { api, send, shared: null }
    const { owner, fetch } = await session.pinned()
    const own = clientOn(fetch)
    return { api: own, send: sender(own), shared: owner === undefined ? null : `todo-backend-client sync ${baseUrl} ${owner}` }
  }

  return {
    /** The openapi-fetch client below, for every path of the API, with the same tokens. */
    api,

    /** Creates an account. */
    async signUp (body: SignupRequest, settings?: RequestSettings): Promise<Result<'signUp'>> {
      return send('post', '/api/auth/signup', { body, ...settings })
    },

    /** Begins a session, which the client keeps in its store; with `token` that is the caller's part. */
    async logIn (body: LoginRequest, settings?: RequestSettings): Promise<Result<'logIn'>> {
      const result = await send('post', '/api/auth/login', { body, ...settings })
      if (result.ok) await session?.begin(result.body)
      return result
    },

    /**
     * Ends the session. Here it is over at once, whatever comes of the request: the tokens leave the store first. It rejects when
     * the server cannot be reached; there the session then goes on until it expires or is ended from elsewhere.
     */
    async logOut (settings?: RequestSettings): Promise<Result<'logOut'>> {
      const last = session ? sender(clientOn(await session.leave())) : send
      return last('post', '/api/auth/logout', settings)
    },

    /** The user of the token. */
    async me (settings?: RequestSettings): Promise<Result<'getMe'>> {
      return send('get', '/api/auth/me', settings)
    },

    /** One's own account. */
    account: accountOf(send, exporter(api), leave),

    /** Where one is logged in. */
    sessions: sessionsOf(send, leave),

    /** The tasks of the token's user. */
    tasks: { ...tasksOf(send), ...syncOf(source) }
  }
}

export type TodoClient = ReturnType<typeof createTodoClient>

/** The global one, as it is when it is called. */
const ask = async (request: Request) => globalThis.fetch(request)

import { browserLocks } from './locks.js'
import { pause } from './pause.js'
import { answers, type components } from './schema.js'
import { json } from './send.js'
import { tokensOf, type TokenStore, type Tokens } from './store.js'

type LoginAnswer = components['schemas']['LoginAnswer']

/** How requests go out. */
export type Fetch = (request: Request) => Promise<Response>

/**
 * What became of a renewal: the tokens that are in the store now, which another tab may have put there; none; that the server has
 * ended the session; or an answer that says nothing about it, such as 429 and 503.
 */
export type Renewal = Tokens | null | 'ended' | Response

export interface RenewalOptions { baseUrl: string, fetch: Fetch, store: TokenStore }

/** Milliseconds that a renewal may take, so that one which hangs keeps nobody waiting for good. */
const PATIENCE = 20_000

/** Milliseconds until other tabs find in localStorage what this one has written: Chromium tells their processes by and by. */
const SETTLING = 100

/** Renewals that are under way, by their stores: all who want one meanwhile share it. */
const underWay = new WeakMap<TokenStore, Promise<Renewal>>()

/**
 * Renews the tokens of a store, once for all who ask for it at the same moment, in this page and in other tabs.
 * @returns a function, which is told the refresh token of those that are not good any more; it rejects when there is no answer
 */
export function renewer ({ baseUrl, fetch, store }: RenewalOptions) {
  const url = `${baseUrl.replace(/\/$/, '')}/api/auth/refresh`

  /** Asks, and asks once more when there is no answer: with the same token that is safe. @returns the answer, still unread */
  async function ask (refreshToken: string): Promise<{ response: Response, answer: unknown }> {
    const signal = AbortSignal.timeout(PATIENCE)
    const once = async () => {
      const response = await fetch(new Request(url, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ refresh_token: refreshToken }), signal
      }))
      return { response, answer: json(await response.clone().text()) }
    }
    return await once().catch(async (error: unknown) => {
      if (signal.aborted) throw error
      return await once()
    })
  }

  async function renew (stale: string): Promise<Renewal> {
    const tokens = await store.get()
    if (tokens?.refresh_token !== stale) return tokens
    const { response, answer } = await ask(stale)
    const isEnded = response.status === 401 && Object(answer).detail === 'Invalid refresh token'
    if (!isEnded && !(response.ok && isLogin(answer))) return response
    // Somebody may have logged out or in meanwhile: what they have written stays.
    const now = await store.get()
    if (now?.refresh_token !== stale) return now
    const next = isEnded ? null : tokensOf(answer as LoginAnswer)
    await store.set(next)
    return next ?? 'ended'
  }

  return async (stale: string): Promise<Renewal> => {
    const shared = underWay.get(store) ?? alone(`todo-backend-client ${store.name ?? baseUrl}`, async () => await renew(stale))
      .finally(() => { underWay.delete(store) })
    underWay.set(store, shared)
    return await shared
  }
}

/** Whether it is the answer of this API, and not of a program in between. */
const isLogin = (answer: unknown): answer is LoginAnswer => answers['post /api/auth/refresh']![200]!.every((name) => name in Object(answer))

/**
 * Does something while no other tab does it, where the browser can tell. It only saves requests: the server bears two renewals
 * at once. So a tab that holds the lock for long, or a page that may not have one, is no reason to wait.
 */
async function alone<T> (name: string, work: () => Promise<T>): Promise<T> {
  const locks = browserLocks()
  if (!locks) return await work()
  return await new Promise<T>((resolve, reject) => {
    let hasBegun = false
    const begin = async () => {
      hasBegun = true
      await work().then(resolve, reject)
    }
    locks.request(name, { signal: AbortSignal.timeout(PATIENCE) }, async () => {
      await begin()
      await pause(SETTLING)
    }).catch(async () => { if (!hasBegun) await begin() })
  })
}

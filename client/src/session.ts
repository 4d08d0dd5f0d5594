import { renewer, type Fetch, type RenewalOptions } from './renew.js'
import { memoryStore, tokensOf, type Tokens } from './store.js'
import type { components } from './schema.js'

/**
 * Why nobody is logged in any more: the server has ended the session, another tab has logged out, or another tab has logged in
 * somebody else, whose tokens the next requests will have.
 */
export type LoggedOutReason = 'ended' | 'elsewhere' | 'replaced'

export interface SessionOptions extends RenewalOptions {
  onLoggedOut?: ((reason: LoggedOutReason) => void) | undefined
}

/** What is asked without a token. */
const OPEN = /\/api\/auth\/(signup|login|refresh|password-reset|password-reset\/confirm|email-verification\/confirm)$/

/** Milliseconds before its end at which an access token is renewed; sooner than a tenth of its life before, never. */
const EARLY = 30_000

/** Milliseconds without another try after a renewal in good time that has failed. */
const PAUSE = 5000

/** A session: who is logged in, by the tokens in a store. */
export type Session = ReturnType<typeof openSession>

/** @returns the session whose tokens are in the store, if there are any, and the one that a login begins */
export function openSession (options: SessionOptions) {
  const { baseUrl, fetch, store, onLoggedOut } = options
  const renew = renewer(options)
  /** Whose session it is; null when nobody is logged in, undefined as long as nobody has looked. */
  let owner: string | null | undefined
  let pauseUntil = 0

  /** @returns the tokens, unless they are not those of the same person any more; this is told, once */
  function same (tokens: Tokens | null, ended?: 'ended'): Tokens | null {
    const before = owner
    owner = tokens?.user.id ?? null
    if (before === undefined || before === null || before === owner) return tokens
    onLoggedOut?.(ended ?? (owner === null ? 'elsewhere' : 'replaced'))
    return null
  }

  const look = async () => same(await store.get())

  /** @returns new tokens of the same person, null when there are none, or the answer that kept them from coming */
  async function renewed ({ refresh_token: stale, user }: Tokens): Promise<Tokens | null | Response> {
    const renewal = await renew(stale)
    if (renewal instanceof Response) return renewal
    const tokens = renewal === 'ended' ? same(null, renewal) : same(renewal)
    return tokens?.user.id === user.id ? tokens : null
  }

  /** While the token is still good nobody waits for the next one, and none is missed that does not come. */
  function renewInTime (tokens: Tokens): void {
    if (Date.now() < pauseUntil) return
    const pause = () => { pauseUntil = Date.now() + PAUSE }
    renewed(tokens).then((renewal) => { if (renewal instanceof Response) pause() }, pause)
  }

  /**
   * Sends a request with the session's token, renewed when it has to be; one that brings a token of its own goes out as it is. A
   * renewal without a verdict (429, 503) is the answer to the request: only whoever is logged out gets a 401.
   * @param whose it is: nobody else's token is sent with it
   */
  async function send (request: Request, whose?: string): Promise<Response> {
    if (OPEN.test(new URL(request.url).pathname) || request.headers.has('Authorization')) return await fetch(request)
    let tokens = await look()
    if (whose !== undefined && tokens?.user.id !== whose) tokens = null
    if (tokens && isExpired(tokens)) {
      const renewal = await sharedUntil(renewed(tokens), request.signal)
      if (renewal instanceof Response) return renewal.clone()
      tokens = renewal
    } else if (tokens && isDue(tokens)) renewInTime(tokens)

    for (let tries = 2; ; tries--) {
      const again = request.clone()
      if (tokens) request.headers.set('Authorization', `Bearer ${tokens.access_token}`)
      const response = await fetch(request)
      if (!tokens || tries === 0 || !await isRefused(response)) return response
      const renewal = await sharedUntil(renewed(tokens), request.signal)
      if (renewal instanceof Response) return renewal.clone()
      if (!renewal) return response
      tokens = renewal
      request = again
    }
  }

  /** Keeps other tokens, or none, which is no news to whoever wants it so. */
  async function become (tokens: Tokens | null): Promise<void> {
    owner = undefined
    await store.set(tokens)
    owner = tokens?.user.id ?? null
  }

  // A logout in another tab is noticed before the next request. A store that fails says so to whoever asks something.
  const notice = () => { look().catch(() => {}) }
  if (onLoggedOut && store.watch) {
    store.watch(notice)
    notice()
  }

  return {
    fetch: async (request: Request) => send(request),

    /** @returns whose session it is now, and what sends requests for that person only */
    async pinned (): Promise<{ owner: string | undefined, fetch: Fetch }> {
      const owner = (await look())?.user.id
      return { owner, fetch: async (request) => send(request, owner) }
    },

    /** Keeps what a login has answered. */
    begin: async (login: components['schemas']['LoginAnswer']) => { await become(tokensOf(login)) },

    /** Nobody is logged in any more. */
    end: async () => { await become(null) },

    /** Takes the session out of the store. @returns sends requests that still belong to it */
    async leave (): Promise<Fetch> {
      const own = memoryStore(await store.get())
      await become(null)
      return openSession({ baseUrl, fetch, store: own }).fetch
    }
  }
}

const isExpired = ({ expires_at: end }: Tokens) => Date.now() >= end

const isDue = ({ renewed_at: start, expires_at: end }: Tokens) => Date.now() >= end - Math.min(EARLY, (end - start) / 10)

/** Whether this API, and no program in between, refuses the token. */
async function isRefused (response: Response): Promise<boolean> {
  if (response.status !== 401) return false
  const answer: unknown = await response.clone().json().catch(() => null)
  return Object(answer).detail === 'Invalid authentication credentials'
}

/** Waits for what others wait for, too, until a signal. @throws the reason of the signal */
async function sharedUntil<T> (shared: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
  })
  const first = await Promise.race([shared, stopped.then(() => null)]).finally(() => { signal.removeEventListener('abort', stop) })
  signal.throwIfAborted()
  return first as T
}

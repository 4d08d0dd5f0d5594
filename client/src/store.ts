import type { components } from './schema.js'

/** What a session is kept by; it can be written as JSON. Times are in milliseconds by the clock of this machine. */
export interface Tokens {
  access_token: string
  refresh_token: string
  /** When the access token was renewed last. */
  renewed_at: number
  /** When the access token expires. */
  expires_at: number
  /** When the session ends, unless it is renewed. */
  refresh_expires_at: number
  /** Whose they are, as of the last login or renewal. */
  user: components['schemas']['User']
}

/** Where a client keeps its tokens. */
export interface TokenStore {
  get: () => Tokens | null | Promise<Tokens | null>
  /** @param tokens null when nobody is logged in any more */
  set: (tokens: Tokens | null) => void | Promise<void>
  /** Calls back when somebody else, such as another tab, has written. */
  watch?: (changed: () => void) => void
  /** What all who share the tokens call them; the address of the API when absent. One at a time renews them. */
  name?: string
}

/** What a page has, and Node.js has not. */
interface Page {
  localStorage: {
    getItem: (key: string) => string | null
    setItem: (key: string, value: string) => void
    removeItem: (key: string) => void
  }
  addEventListener?: (type: 'storage', listener: (event: { key: string | null }) => void) => void
}

const page = globalThis as unknown as Page

/** @returns the tokens of a login or renewal that has just been answered, whatever the clock of this machine says */
export function tokensOf (answer: components['schemas']['LoginAnswer']): Tokens {
  const now = Date.now()
  return {
    access_token: answer.access_token,
    refresh_token: answer.refresh_token,
    renewed_at: now,
    expires_at: now + answer.expires_in * 1000,
    refresh_expires_at: now + answer.refresh_expires_in * 1000,
    user: answer.user
  }
}

/** Keeps the tokens as long as the page, or the process, lives. */
export function memoryStore (tokens: Tokens | null = null): TokenStore {
  return {
    get: () => tokens,
    set (next) { tokens = next }
  }
}

/**
 * Keeps the tokens in the browser, for all tabs of the same origin. Where that is not allowed, for this page alone.
 * @param key in localStorage
 */
export function localStorageStore (key = 'todo-backend'): TokenStore {
  const own = memoryStore()
  let isOwn = false

  return {
    name: key,
    get () {
      if (isOwn) return own.get()
      try {
        return parsed(page.localStorage.getItem(key))
      } catch {
        // There is none here, or cookies and the like are blocked.
        return own.get()
      }
    },
    set (tokens) {
      isOwn = false
      try {
        if (tokens) page.localStorage.setItem(key, JSON.stringify(tokens))
        else page.localStorage.removeItem(key)
      } catch {
        isOwn = true
      }
      return own.set(isOwn ? tokens : null)
    },
    watch (changed) {
      // The key is null when all was cleared.
      page.addEventListener?.('storage', ({ key: written }) => { if (written === key || written === null) changed() })
    }
  }
}

/** @returns null for what is no tokens: an earlier version of a front end may have used the key otherwise */
function parsed (text: string | null): Tokens | null {
  const value = JSON.parse(text ?? 'null') as Partial<Tokens> | null
  const isWhole = typeof value?.access_token === 'string' && typeof value.refresh_token === 'string' && typeof value.user?.id === 'string'
  return isWhole ? value as Tokens : null
}

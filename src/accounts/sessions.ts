import type { Bounds, OwnedSessions, StoredSession } from '../repositories/sessions.js'
import type { SessionList } from '../schemas/accounts.js'
import type { LoginAnswer, User } from '../schemas/auth.js'
import type { Endings } from './endings.js'
import { signed } from './signed.js'

/** What a refresh token says: whose it is, of which session, and which number it has. */
export type RefreshToken = [owner: string, session: string, generation: number]

/** How long sessions live, and what they are made of. Times in seconds, but for the days. */
export interface SessionOptions {
  idleDays: number
  maxDays: number
  /** The present secret, and those before it that still verify. */
  secrets: string[]
  /** Makes an access token of a session that lives until then. */
  issue: (user: User, session: string, until: Date) => { token: string, expiresIn: number }
  endings: Endings
  /** Called when an old refresh token shows that the session's tokens have been copied. */
  onTheft: (user: User, session: string) => void
  /** Milliseconds since 1970. */
  now: () => number
}

/** Milliseconds after a rotation within which an older token counts as a late request and not as theft. */
const LATE = 60_000

const DAY = 86_400_000

/**
 * Sessions: begun by a login, renewed and ended. Refresh tokens rotate: each can be exchanged once, and the previous one
 * gets the current one again, so that a client that lost an answer, or two tabs at the same moment, stay logged in.
 * (OAuth 2.0 Security Best Current Practice, RFC 9700 §4.14)
 * @param sessionsOf the stored sessions of an owner
 */
export function sessions (sessionsOf: (owner: string) => OwnedSessions, options: SessionOptions) {
  const { idleDays, maxDays, secrets, issue, endings, onTheft, now } = options
  const tokens = signed<RefreshToken>('refresh token', secrets)
  const bounds = (): Bounds => ({
    idle: new Date(now() - idleDays * DAY).toISOString(), max: new Date(now() - maxDays * DAY).toISOString()
  })

  /** When it ends: idle for too long or too old, whichever comes first. */
  const endOf = ({ created_at: created, last_used_at: used }: Pick<StoredSession, 'created_at' | 'last_used_at'>) =>
    new Date(Math.min(Date.parse(used) + idleDays * DAY, Date.parse(created) + maxDays * DAY))

  function answer (user: User, session: StoredSession): LoginAnswer {
    const until = endOf(session)
    const { token, expiresIn } = issue(user, session.id, until)
    return {
      access_token: token,
      token_type: 'bearer',
      expires_in: expiresIn,
      refresh_token: tokens.sign([user.id, session.id, session.generation]),
      refresh_expires_in: Math.max(1, Math.floor((until.getTime() - now()) / 1000)),
      user
    }
  }

  async function end (owner: string, which: (sessions: OwnedSessions) => Promise<string[]>): Promise<number> {
    const ended = await which(sessionsOf(owner))
    endings.add(ended)
    return ended.length
  }

  const endOne = async (owner: string, session: string) => await end(owner, async (all) => await all.end(session, bounds()))

  return {
    /**
     * Begins a session.
     * @param version of the password that was verified
     * @param userAgent header of the login
     * @returns null when the password has changed meanwhile, or the account is gone
     */
    async begin (user: User, version: number, userAgent: string | undefined): Promise<LoginAnswer | null> {
      const session = await sessionsOf(user.id).begin(version, agentOf(userAgent), new Date(now()).toISOString())
      return session && answer(user, session)
    },

    /** @returns the content of a refresh token that this server signed, current or not; null for other text. Without a query */
    read: (token: string): RefreshToken | null => tokens.read(token),

    /** Renews a session. @returns null when its token is no longer valid */
    async refresh (token: RefreshToken): Promise<LoginAnswer | null> {
      const [owner, id, generation] = token
      const stored = sessionsOf(owner)
      const rotated = await stored.rotate(id, generation, new Date(now()).toISOString(), bounds())
      if (rotated) return answer(rotated.user, rotated.session)
      const found = await stored.find(id, bounds())
      if (!found) return null
      const { session, user } = found
      const age = session.generation - generation
      // The session changed the password itself meanwhile, and has been moved to the new version.
      if (age === 0) return await this.refresh(token)
      // Its answer was lost, or another tab came first.
      if (age === 1) return answer(user, session)
      if (age > 1 && now() - Date.parse(session.last_used_at) > LATE && await endOne(owner, id) > 0) onTheft(user, id)
      return null
    },

    /** @param current the session of the request. @returns null when the owner is gone */
    async list (owner: string, current: string | undefined): Promise<SessionList | null> {
      const list = await sessionsOf(owner).list(bounds())
      return list && {
        sessions: list.map((session) =>
          ({ ...session, expires_at: endOf(session).toISOString(), is_current: session.id === current }))
      }
    },

    /**
     * Ends the session of a token, also one that is no longer stored.
     * @param session absent in tokens of version 1.0, which belong to none
     * @returns false when the owner is gone
     */
    async logOut (owner: string, session: string | undefined): Promise<boolean> {
      const isOwner = await sessionsOf(owner).logOut(session ?? null)
      if (isOwner && session !== undefined) endings.add([session])
      return isOwner
    },

    /** @returns whether it had not ended before */
    end: async (owner: string, session: string): Promise<boolean> => await endOne(owner, session) > 0,

    /** @param except the one that goes on. @returns how many have ended */
    endAll: async (owner: string, except?: string): Promise<number> =>
      await end(owner, async (all) => await all.endAll(except ?? null)),

    /** Ends those that began before the password had this version. */
    async endOutdated (owner: string, version: number): Promise<void> {
      await end(owner, async (all) => await all.endOutdated(version))
    }
  }
}
export type Sessions = ReturnType<typeof sessions>

/** Code points of a User-Agent that are kept. */
const MAX_AGENT = 200

/** The User-Agent of the login, by which people recognize a device. */
function agentOf (header: string | undefined): string | null {
  const text = [...(header ?? '').replaceAll(/\p{Cc}/gu, '')].slice(0, MAX_AGENT).join('')
  return text === '' ? null : text
}

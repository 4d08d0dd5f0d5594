import { randomUUID } from 'node:crypto'
import { PASSWORD, type startApp } from '../helper.js'
import type { mailbox } from './accounts.js'
import { logIn, sessionOf } from './accounts.js'
import { until } from './until.js'

/** A request of somebody's own that succeeds. */
export interface Draft {
  token: string
  body?: object
  session?: string
  /** The same for an email that is somebody else's. */
  taken?: () => Promise<object>
}

type App = Awaited<ReturnType<typeof startApp>>

/**
 * Makes good requests of the operations of accounts: each of somebody new, since many end what they use.
 * @param mails of the application
 * @returns operationId → what makes one
 */
export function accountRequests ({ call, signUp }: App, mails: ReturnType<typeof mailbox>): Record<string, () => Promise<Draft>> {
  const email = () => `${randomUUID()}@example.com`
  const token = async (address: string, ask: () => Promise<unknown>) => {
    const before = mails.to(address).length
    await ask()
    await until(`a mail to ${address}`, () => mails.to(address).length > before)
    return mails.tokenTo(address)
  }
  const own = async (body?: object): Promise<Draft> => ({ token: (await signUp()).token, ...(body && { body }) })
  return {
    logIn: async () => {
      const ada = await signUp()
      return { token: ada.token, body: { email: ada.email, password: PASSWORD } }
    },
    refresh: async () => {
      const ada = await signUp()
      return { token: ada.token, body: { refresh_token: (await logIn(call, ada.email)).refresh_token } }
    },
    logOut: own,
    listSessions: own,
    endSessions: own,
    endSession: async () => {
      const ada = await signUp()
      return { token: ada.token, session: sessionOf((await logIn(call, ada.email)).access_token) }
    },
    changePassword: async () => own({ current_password: PASSWORD, new_password: 'battery staple' }),
    changeEmail: async () => {
      const other = await signUp('Eve')
      const taken = async () => ({ email: other.email, password: PASSWORD })
      return { ...await own({ email: email(), password: PASSWORD }), taken }
    },
    deleteMe: async () => own({ password: PASSWORD }),
    resetPassword: async () => {
      const ada = await signUp()
      const reset = await token(ada.email, async () => call('POST', '/api/auth/password-reset', { body: { email: ada.email } }))
      return { token: ada.token, body: { token: reset, new_password: 'battery staple' } }
    },
    confirmEmail: async () => {
      const ada = await signUp()
      return {
        token: ada.token,
        body: { token: mails.tokenTo(ada.email) },
        async taken () {
          const wish = email()
          const confirm = await token(wish, async () => ada.call('PUT', '/api/auth/me/email', { body: { email: wish, password: PASSWORD } }))
          await call('POST', '/api/auth/signup', { body: { email: wish, password: PASSWORD, name: 'Eve' } })
          return { token: confirm }
        }
      }
    }
  }
}

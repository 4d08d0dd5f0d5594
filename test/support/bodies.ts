import { randomUUID } from 'node:crypto'
import { PASSWORD, type Person } from '../helper.js'
import type { Endpoint } from './endpoints.js'

/**
 * Bodies that their routes take.
 * @param person who sends them
 * @param refreshToken theirs
 * @returns endpoint → body
 */
export const goodBodies = ({ email: own }: Person, refreshToken: string) => ({ body }: Endpoint): Record<string, unknown> => {
  const email = `${randomUUID()}@example.com`
  return {
    SignupRequest: { email, password: PASSWORD, name: 'Ada' },
    LoginRequest: { email: own, password: PASSWORD },
    RefreshRequest: { refresh_token: refreshToken },
    ProfileChange: { name: 'Ada' },
    EmailChange: { email, password: PASSWORD },
    PasswordChange: { current_password: PASSWORD, new_password: PASSWORD },
    PasswordResetRequest: { email },
    PasswordReset: { token: 'x', new_password: PASSWORD },
    EmailConfirmation: { token: 'x' },
    AccountDeletion: { password: 'not the password' },
    TaskCreate: { title: 'Buy milk' },
    TaskUpdate: { title: 'Buy milk' },
    TaskPatch: { title: 'Buy milk' },
    TaskCompletion: { is_completed: false }
  }[body!]!
}

/** The status of the answer to one: some are refused for what they say. */
export const statusOf = ({ body, success }: Endpoint) =>
  ({ PasswordReset: 422, EmailConfirmation: 422, AccountDeletion: 403 })[body!] ?? success

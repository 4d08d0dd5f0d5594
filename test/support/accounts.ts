import type { Mail } from '../../src/accounts/mails.js'
import type { Database } from '../../src/db/database.js'
import type { LoginAnswer } from '../../src/schemas/auth.js'
import { PASSWORD, type Answer, type startApp } from '../helper.js'

type Call = Awaited<ReturnType<typeof startApp>>['call']

/** Days in milliseconds. */
export const DAY = 86_400_000

interface LoginOptions { password?: string, agent?: string }

/** Logs somebody in once more. @returns the tokens */
export async function logIn (call: Call, email: string, { password = PASSWORD, agent }: LoginOptions = {}): Promise<LoginAnswer> {
  const { status, text, body } = await call('POST', '/api/auth/login', {
    body: { email, password }, ...(agent !== undefined && { headers: { 'user-agent': agent } })
  })
  if (status !== 200) throw new Error(`no login: ${text}`)
  return body as LoginAnswer
}

/** Renews a session. */
export const refresh = async (call: Call, token: string): Promise<Answer> => await call('POST', '/api/auth/refresh', { body: { refresh_token: token } })

/** Whether an access token is good. */
export const isIn = async (call: Call, token: string): Promise<boolean> => (await call('GET', '/api/auth/me', { token })).status === 200

/** What a refresh token says. */
export const generationOf = (token: string): number => (JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as [string, string, number])[2]

/** What an access token says of its session. */
export const sessionOf = (token: string): string => (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sid: string }).sid

/** Keeps the mails that a server without a mail server would print. */
export function mailbox () {
  const mails: Mail[] = []
  const to = (email: string) => mails.filter((mail) => mail.to === email)
  return {
    mails,
    print: (mail: Mail) => { mails.push(mail) },
    to,
    /** The token of the newest link to somebody. */
    tokenTo: (email: string): string => /#(?:reset_password|verify_email)=(\S+)/.exec(to(email).filter(({ text }) => text.includes('#')).at(-1)?.text ?? '')?.[1] ?? ''
  }
}

interface Around { before?: (name: string) => unknown, after?: (name: string) => unknown }

/** Counts the statements of a database, and may do something before or after one. */
export function watched (database: Database, around: Around = {}) {
  const names: string[] = []
  const own: Database = {
    ...database,
    async run (statement, values) {
      names.push(statement.name)
      await around.before?.(statement.name)
      const rows = await database.run(statement, values)
      await around.after?.(statement.name)
      return rows
    }
  }
  return { database: own, names }
}

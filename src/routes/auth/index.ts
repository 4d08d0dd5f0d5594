import type { FastifyPluginAsync } from 'fastify'
import { credentialsWith } from '../../accounts/credentials.js'
import type { Links } from '../../accounts/links.js'
import { loginWith } from '../../accounts/login.js'
import type { Mail, Mails } from '../../accounts/mails.js'
import type { Passwords } from '../../accounts/passwords.js'
import { post } from '../../accounts/post.js'
import { sessions, type SessionOptions } from '../../accounts/sessions.js'
import { tasksOf } from '../../repositories/owned-tasks.js'
import { sessionsOf } from '../../repositories/sessions.js'
import { usersIn } from '../../repositories/users.js'
import { accountRoutes } from './account.js'
import type { Accounts } from './accounts.js'
import { bodilessRoutes } from './bodiless.js'
import { exportRoutes } from './export.js'
import { loginRoutes } from './login.js'
import { mailRoutes } from './mails.js'
import { sessionRoutes } from './sessions.js'

/** What the routes of accounts are made of. */
export interface AccountOptions {
  passwords: Passwords
  links: Links
  mails: Mails
  /** Sends a mail; null where none can be sent. */
  send: ((mail: Mail) => void) | null
  requireVerifiedEmail: boolean
  sessions: Omit<SessionOptions, 'issue' | 'onTheft'>
}

/** Story 1: signing up and logging in; and all else about accounts. */
export const authRoutes: FastifyPluginAsync<AccountOptions> = async (app, options) => {
  const { passwords, links, mails, send, requireVerifiedEmail } = options
  const accountPost = post({ mails, links, send, mayWriteTo: app.limits.mayWriteTo })
  const own = sessions((owner) => sessionsOf(app.db, owner), {
    ...options.sessions,
    issue: app.issueToken,
    onTheft (user, session) {
      app.log.warn({ user: user.id, session }, 'an old refresh token was used: session ended')
      accountPost.tellOfTheft(user)
    }
  })
  const services = { users: usersIn(app.db), passwords, sessions: own, post: accountPost, requireVerifiedEmail, log: app.log }
  const accounts: Accounts = { login: loginWith(services), credentials: credentialsWith(services, links), sessions: own }

  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store')
    done()
  })

  await app.register(loginRoutes, accounts)
  await app.register(sessionRoutes, accounts)
  await app.register(accountRoutes, accounts)
  await app.register(exportRoutes, { credentials: accounts.credentials, tasksOf: (owner: string) => tasksOf(app.db, owner) })
  await app.register(mailRoutes, accounts)
  await app.register(bodilessRoutes, accounts)
}

import { text } from 'node:stream/consumers'
import type { SMTPServerOptions } from 'smtp-server'
import type { Test } from 'tap'
import { smtpServer } from '../../support/smtp-server.js'
import { clientOf, signUp } from './client.js'
import { DOMAIN, SECRET_WORD } from './log.js'
import { startServer } from './server.js'

/** Settings of a server that sends mails. */
export const mailing = (url: string) => ({ SMTP_URL: url, MAIL_FROM: `todo@${DOMAIN}`, APP_URL: 'https://app.example/' })

/** What a mail server says when it refuses: all that it has been told. */
const refuse = (told: unknown) =>
  Object.assign(new Error(`not ${String(told).replaceAll(/\s+/g, ' ')}`), { responseCode: 550 })

/** Mail servers that refuse what they get, each at another point, and quote it. */
const refusals: Record<string, SMTPServerOptions> = {
  'the password': {
    authMethods: ['PLAIN', 'LOGIN'],
    onAuth ({ username, password }, _session, done) { done(refuse([username, password])) }
  },
  'the sender': { onAuth, onMailFrom ({ address }, _session, done) { done(refuse(address)) } },
  'the recipient': { onAuth, onRcptTo ({ address }, _session, done) { done(refuse(address)) } },
  'the mail': { onAuth, onData (stream, _session, done) { text(stream).then((mail) => { done(refuse(mail)) }, done) } }
}

/** Lets everybody send. */
function onAuth (...[{ username }, , done]: Parameters<NonNullable<SMTPServerOptions['onAuth']>>): void {
  done(null, { user: username })
}

/**
 * Starts a server for each of some mail servers that refuse, and lets somebody sign up there.
 * @returns what was refused, and the log in which that will be told: three tries take some seconds
 */
export async function refusedMails (t: Test, url: string): Promise<Array<[refused: string, log: string]>> {
  const logs: Array<[string, string]> = []
  for (const [refused, options] of Object.entries(refusals)) {
    const { url: refusing } = await smtpServer(t, options)
    const { port, log } = await startServer(t, { DATABASE_URL: url, ...mailing(refusing.replace('//', `//user:${SECRET_WORD}@`)) })
    await signUp(clientOf(t, port), 1)
    logs.push([refused, log])
  }
  return logs
}

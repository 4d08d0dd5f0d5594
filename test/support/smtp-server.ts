import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { simpleParser, type ParsedMail } from 'mailparser'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Test } from 'tap'
import { teardown } from './teardown.js'

/** A mail server on the loopback, which keeps what comes. */
export async function smtpServer (t: Test, options: SMTPServerOptions = {}) {
  const mails: ParsedMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData (stream, _session, done) {
      simpleParser(stream).then((mail) => {
        mails.push(mail)
        done()
      }, done)
    },
    ...options
  })
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  teardown(t, () => { server.close() })
  const to = (email: string) => mails.filter((mail) => [mail.to].flat()[0]!.text === email)
  return {
    mails,
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    to,
    /** The token of the newest link to somebody. */
    tokenTo: (email: string) => to(email).map(({ text }) => /#(?:reset_password|verify_email)=(\S+)/.exec(text!)?.[1]).findLast(Boolean)
  }
}

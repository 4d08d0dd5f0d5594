import fastq from 'fastq'
import type { Mail } from './mails.js'

/** Where mails go. */
export interface MailOptions {
  /** `smtp://user:password@host:587` or `smtps://…`; none prints them. */
  smtpUrl: string | undefined
  from: string | undefined
  /** Prints a mail where there is no SMTP server; without it nobody reads it. */
  print: ((mail: Mail) => void) | undefined
  log: { warn: (facts: object, message: string) => void }
  /** Told what has become of a mail. */
  onEnd?: (outcome: 'sent' | 'failed') => void
  /** Milliseconds before the second and the third try. */
  pauses?: [number, number]
}

/** Mails that are sent at a time, and that may wait: a mail server that is away must not fill the memory. */
const AT_A_TIME = 4
const MAX_WAITING = 1000

const PAUSES: [number, number] = [2000, 10_000]

/** Time limits of the mail server in milliseconds. */
const TIMES = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 }

/** A mail must not include files or URLs. */
const NO_ACCESS = { disableFileAccess: true, disableUrlAccess: true }

/** What may be logged of a failure: the texts of mail servers quote addresses. */
interface Failure { code?: string, responseCode?: number, command?: string }

/**
 * Sends mails in the background: no request waits for one or fails because of one. Mails that wait when the process
 * ends are lost.
 */
export function mailer ({ smtpUrl, from, print, log, onEnd, pauses = PAUSES }: MailOptions) {
  let transport: Promise<{ sendMail: (mail: object) => Promise<unknown>, close: () => void }> | undefined
  const timers = new Set<NodeJS.Timeout>()

  /** Loaded with the first mail, as it would be a tenth of a start. The pool does not retry by itself: tries are counted here. */
  const connect = async () => await (transport ??= import('nodemailer').then(({ createTransport }) =>
    createTransport({ url: smtpUrl!, pool: true, maxConnections: AT_A_TIME, maxRequeues: 0, ...TIMES, ...NO_ACCESS } as object)))

  const queue = fastq.promise(async ({ mail, tries }: { mail: Mail, tries: number }) => {
    try {
      // The address alone, which has been checked: nothing that a person has typed is in a header.
      await (await connect()).sendMail({ ...mail, from, to: { name: '', address: mail.to } })
      onEnd?.('sent')
    } catch (error) {
      const { code, responseCode, command } = error as Failure
      if (tries > pauses.length) return fail(mail, { code, responseCode, command })
      const timer = setTimeout(() => {
        timers.delete(timer)
        put(mail, tries + 1)
      }, pauses[tries - 1]).unref()
      timers.add(timer)
    }
  }, AT_A_TIME)

  function fail (mail: Mail, why: { [Fact in keyof Failure]: Failure[Fact] | undefined }): void {
    log.warn({ mail: mail.subject, ...why }, 'mail not sent')
    onEnd?.('failed')
  }

  function put (mail: Mail, tries: number): void {
    if (queue.length() >= MAX_WAITING) fail(mail, { code: 'QUEUE_FULL' })
    else void queue.push({ mail, tries })
  }

  return {
    /** Sends a mail some time later, and tries three times. */
    send (mail: Mail): void {
      if (smtpUrl === undefined) print?.(mail)
      else put(mail, 1)
    },

    async close (): Promise<void> {
      queue.kill()
      for (const timer of timers) clearTimeout(timer)
      ;(await transport?.catch(() => undefined))?.close()
    }
  }
}
export type Mailer = ReturnType<typeof mailer>

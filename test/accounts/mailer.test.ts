import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { mailer } from '../../src/accounts/mailer.js'
import { mailsOf, type Mail } from '../../src/accounts/mails.js'
import { PASSWORD, startApp } from '../helper.js'
import { smtpServer } from '../support/smtp-server.js'
import { until } from '../support/until.js'

/** What listens and is no mail server. */
async function listen (t: Test, serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { sockets, url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const listening = (t: Test, smtpUrl: string | undefined, more: object = {}) => {
  const lines: object[] = []
  const log = { warn: (facts: object, message: string) => { lines.push({ ...facts, message }) } }
  const sender = mailer({ smtpUrl, from: 'todo@example.com', print: undefined, log, pauses: [1, 1], ...more })
  t.teardown(sender.close)
  return { ...sender, lines }
}

const person = (name: string, email = 'ada@example.com') => ({ name, email })
const link = 'https://app.example.com/#verify_email=abc.def'
const mails = mailsOf('Todo Backend API')

t.test('a mail arrives with a text and an HTML part that say the same, whatever the name is', async (t) => {
  const server = await smtpServer(t)
  const { send, lines } = listening(t, server.url)
  const names = ['Ada', '李小龍 🦉', 'עדה', '<b>&"Ada\'</b>', 'x'.repeat(100), 'http://evil.example', 'Ada\r\nBcc: eve@example.com', 'a@b.cd', 'Ada\u2028\u0085King']
  for (const name of names) send(mails.confirmEmail(person(name), link))
  await until('all have come', () => server.mails.length === names.length)
  const byGreeting = new Map(server.mails.map((mail) => [mail.text!.split('\n')[0], mail]))
  t.strictSame([...byGreeting.keys()].sort(), [
    'Hello,', 'Hello 李小龍 🦉,', 'Hello Ada,', 'Hello Ada King,', 'Hello עדה,'
  ].sort(), 'a name that could be read as a link, an address or markup is left out')
  for (const mail of server.mails) {
    t.strictSame([mail.subject, mail.from!.text, [mail.to].flat()[0]!.text], ['Confirm your email address for Todo Backend API', 'todo@example.com', 'ada@example.com'])
    t.notOk(mail.headers.has('bcc') || mail.headers.has('cc'))
    t.match(mail.text, link)
    t.match(mail.html, `<a href="${link}">${link}</a>`)
    t.notMatch(String(mail.html), /<b>|evil/)
  }
  t.strictSame(lines, [])
})

t.test('every kind of mail is plain and whole', async (t) => {
  const all: Mail[] = [
    mails.confirmEmail(person('Ada'), link), mails.resetPassword(person('Ada'), link), mails.passwordChanged(person('Ada')),
    mails.emailChanged(person('Ada'), 'o\'new&<x>@example.com'), mails.tokenStolen(person('Ada'))
  ]
  for (const { to, subject, text, html } of all) {
    t.equal(to, 'ada@example.com')
    t.match(subject, /^[\w ]+$/)
    t.match(text, /^Hello Ada,\n\n/)
    const plain = html.replaceAll(/<[^>]*>/g, '').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
    t.equal(plain.split(/\n+/).filter(Boolean).join('|'), text.split(/\n+/).filter(Boolean).join('|'))
  }
})

t.test('what a mail server does costs nobody anything: three tries, then one line without the address', async (t) => {
  let tries = 0
  const refusing = await smtpServer(t, {
    onRcptTo (_address, _session, done) { tries++; done(Object.assign(new Error('no ada@example.com here'), { responseCode: 550 })) }
  })
  const dying = await listen(t, (socket) => { socket.write('220 mail\r\n'); socket.once('data', () => { socket.destroy() }) })
  const gone = await listen(t, (socket) => { socket.destroy() })
  for (const [what, url] of Object.entries({ refusing: refusing.url, dying: dying.url, gone: gone.url, nowhere: 'smtp://127.0.0.1:1' })) {
    const ends: string[] = []
    const { send, lines } = listening(t, url, { onEnd: (end: string) => { ends.push(end) } })
    t.equal(send(mails.passwordChanged(person('Ada'))), undefined)
    await until(`the line about one that is ${what}`, () => lines.length > 0)
    t.match(lines, [{ mail: 'Your password for Todo Backend API has changed', message: 'mail not sent', code: /^E/ }], what)
    t.strictSame(ends, ['failed'])
    t.notMatch(JSON.stringify(lines), 'ada@example.com')
  }
  t.strictSame([tries, gone.sockets.size, dying.sockets.size], [3, 3, 3])
})

t.test('a mail that fails once goes out with the next try', async (t) => {
  let tries = 0
  const server = await smtpServer(t, {
    onMailFrom (_address, _session, done) { done(tries++ === 0 ? Object.assign(new Error('later'), { responseCode: 451 }) : null) }
  })
  const { send, lines } = listening(t, server.url)
  send(mails.passwordChanged(person('Ada')))
  await until('it has come', () => server.mails.length === 1)
  t.strictSame(lines, [])
})

t.test('mails that wait for a mail server that says nothing are a thousand at most, and wait no longer than the process', async (t) => {
  const silent = await listen(t, () => {})
  const { send, lines, close } = listening(t, silent.url)
  for (let n = 0; n < 1010; n++) send(mails.passwordChanged(person('Ada')))
  t.ok(lines.length > 0 && lines.length <= 10)
  t.match(lines[0], { code: 'QUEUE_FULL', message: 'mail not sent' })
  await until('it is asked', () => silent.sockets.size > 0)
  await close()
})

t.test('mails that wait for their next try are dropped when the process ends', async (t) => {
  const gone = await listen(t, (socket) => { socket.destroy() })
  const { send, lines, close } = listening(t, gone.url, { pauses: [60_000, 60_000] })
  for (let n = 0; n < 20; n++) send(mails.passwordChanged(person('Ada')))
  await until('sixteen wait for their next try, as four are sent at a time', () => gone.sockets.size === 20)
  await close()
  t.strictSame(lines, [])
})

t.test('without a mail server the mail is printed, or read by nobody', async (t) => {
  const printed: Mail[] = []
  listening(t, undefined, { print: (mail: Mail) => { printed.push(mail) } }).send(mails.passwordChanged(person('Ada')))
  t.equal(printed.length, 1)
  listening(t, undefined).send(mails.passwordChanged(person('Ada')))
})

t.test('whoever signs up gets a mail with a link to the front end, and waits for no mail server', async (t) => {
  const server = await smtpServer(t)
  const mailing = (url: string) => ({ SMTP_URL: url, MAIL_FROM: 'todo@example.com', APP_URL: 'https://app.example.com/' })
  const app = await startApp(t, { settings: mailing(server.url) })
  const name = 'Ada\r\nBcc: eve@example.com'
  const body = { email: 'ada@example.com', password: PASSWORD, name }
  t.equal((await app.call('POST', '/api/auth/signup', { body })).status, 201)
  await until('the mail has come', () => server.mails.length === 1)
  const [, token] = /^https:\/\/app\.example\.com\/#verify_email=(\S+)$/m.exec(server.mails[0]!.text!)!
  t.equal((await app.call('POST', '/api/auth/email-verification/confirm', { body: { token } })).status, 204)
  t.notOk(server.mails[0]!.headers.has('bcc'))

  const silent = await listen(t, () => {})
  const slow = await startApp(t, { settings: mailing(silent.url) })
  const begin = performance.now()
  t.equal((await slow.call('POST', '/api/auth/signup', { body })).status, 201)
  t.equal((await slow.call('POST', '/api/auth/password-reset', { body: { email: body.email } })).status, 202)
  t.ok(performance.now() - begin < 10_000, 'sooner than a mail server has to answer')
})

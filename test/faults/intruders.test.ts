import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { exchange, request } from '../support/raw.js'
import { smtpServer } from '../support/smtp-server.js'
import { PASSWORD, clientOf, newEmail, signUp, type Client, type Person } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { SECRET_WORD, searchLog, statusesIn } from './support/log.js'
import { mailing, refusedMails } from './support/refusing-mail.js'
import { folder } from './support/run.js'
import { until } from '../support/until.js'
import { startServer } from './support/server.js'
import { countsOf, report } from './support/table.js'

/** A line as an intruder would like to see it in the log. */
const FORGED = '{"level":30,"time":1,"pid":1,"hostname":"a","reqId":"forged","method":"GET","path":"/","status":200,"ms":1,"msg":"request"}'

const forgeries = ['\r\n', '\n', '\r', '\0', '\u0085', '\u2028', '%0d%0a', '%0A', '%E2%80%A8', '"}', ''].flatMap((end) =>
  [`a${end}${FORGED}${end}`, `a${end}${encodeURIComponent(FORGED)}${end}`])

const head = (start: string, ...headers: string[]) => request(start, ['Host: a', 'Connection: close', ...headers])

const post = (path: string, body: string, type = 'application/json') => request(`POST /api/auth/${path} HTTP/1.1`,
  ['Host: a', 'Connection: close', `Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`], body)

/**
 * Waits until all that was asked so far is in the log, which is written some lines at a time.
 * @returns the id of the request that came last
 */
async function settled (client: Client, log: string): Promise<string> {
  const { status, headers } = await client.call('GET', '/health')
  const id = String(headers['x-request-id'])
  await until('the last request is in the log', () => status === 200 && statusesIn(log).has(id))
  return id
}

/** Wherever something can be written into a request. */
const places: Record<string, (text: string) => string> = {
  method: (text) => head(`${text} /health HTTP/1.1`),
  query: (text) => head(`GET /api/tasks?token=${text}&${text} HTTP/1.1`),
  version: (text) => head(`GET /health HTTP/1.1${text}`),
  Host: (text) => request('GET /health HTTP/1.1', [`Host: ${text}`, 'Connection: close']),
  'X-Request-Id': (text) => head('GET /health HTTP/1.1', `X-Request-Id: ${text}`),
  'User-Agent': (text) => head('GET /health HTTP/1.1', `User-Agent: ${text}`),
  Cookie: (text) => head('GET /api/tasks HTTP/1.1', `Cookie: token=${text}`),
  Authorization: (text) => head('GET /api/tasks HTTP/1.1', `Authorization: Bearer ${text}`),
  credentials: (text) => head('GET /api/tasks HTTP/1.1', `Authorization: Basic ${Buffer.from(text).toString('base64')}`),
  'a field name': (text) => head('GET /health HTTP/1.1', `${text}: a`),
  'a body': (text) => post('login', JSON.stringify({ email: text, password: text, [text]: text })),
  'a refresh token': (text) => post('refresh', JSON.stringify({ refresh_token: text })),
  'the token of a reset': (text) => post('password-reset/confirm', JSON.stringify({ token: text, new_password: `${PASSWORD}!` })),
  'the token of an email': (text) => post('email-verification/confirm', JSON.stringify({ token: text })),
  'no JSON': (text) => post('login', `{"email":"${text}`),
  'another type': (text) => post('login', text, `text/${text}`)
}

async function onPostgres (t: Test, { url, sql }: Cluster): Promise<void> {
  const mails = await smtpServer(t)
  const server = await startServer(t, { DATABASE_URL: url, ...mailing(mails.url) })
  const client = clientOf(t, server.port)
  const [ada] = await signUp(client, 1) as [Person]
  const [{ password_hash: hash }] = await sql('select password_hash from todo.users') as [{ password_hash: string }]
  const link = async (to: string) => {
    await until(`a link to ${to}`, () => mails.to(to).length > 0)
    return mails.tokenTo(to)!
  }
  const verification = await link(ada.email)
  mails.mails.length = 0
  await client.call('POST', '/api/auth/password-reset', { body: { email: ada.email } })
  const reset = await link(ada.email)
  const tokens = [ada.token, ada.refreshToken, verification, reset]
  const secrets = [...tokens, `${ada.token}x`, ada.email, newEmail('nobody'), PASSWORD, hash]

  // Meanwhile the other tests run.
  const refused = refusedMails(t, url)

  await t.test('whatever is written wherever, there is one answer, and the log has one line that says no more than it should', async (t) => {
    await settled(client, server.log)
    const before = new Set(statusesIn(server.log).keys())
    const sent = [
      ...Object.entries(places).flatMap(([place, put]) => [...secrets, ...forgeries].map((text) => [place, put(text)] as const)),
      // Paths are written down: nobody's secrets are in them, but what else there is may be anything.
      ...forgeries.map((text) => ['path', head(`GET /api/tasks/${text} HTTP/1.1`)] as const)
    ]
    const samples: Array<{ id?: string | undefined, outcome: number | string, ms: number }> = []
    for (const [place, bytes] of sent) {
      const at = performance.now()
      const [answer, ...others] = await exchange(server.port, bytes)
      if (!answer || others.length > 0 || answer.status >= 500) t.fail(`not one good answer: ${place}`, { bytes, answer, others })
      samples.push({ id: answer?.headers['x-request-id'], outcome: answer?.status ?? 'cut', ms: performance.now() - at })
    }
    before.add(await settled(client, server.log))
    const logged = [...statusesIn(server.log)].filter(([id]) => !before.has(id))
    const outcomes = new Map(samples.map(({ id, outcome }) => [id, outcome]))
    t.ok(logged.length > samples.length / 2, 'most came as far as the log')
    t.strictSame(logged.filter(([id, statuses]) => statuses.length !== 1 || statuses[0] !== outcomes.get(id)), [], 'no line is of nobody')
    report(t, { fault: 'secrets and forged lines in every part of a request', ...countsOf(samples) })
  })

  await t.test('what a database says about the values of a statement is told to nobody', async (t) => {
    // Somebody else: that good token of a reset has ended the sessions.
    const [{ token }] = await signUp(client, 1) as [Person]
    const create = async () => client.call('POST', '/api/tasks', { token, body: { title: SECRET_WORD, description: SECRET_WORD } })
    const changes = [
      ["alter table todo.tasks add constraint strict check (title = '')", 'alter table todo.tasks drop constraint strict'],
      [`create function quote() returns trigger language plpgsql as $$ begin raise exception 'no %', new.title using detail = new.title; end $$;
        create trigger quote before insert on todo.tasks for each row execute function quote()`, 'drop function quote cascade']
    ] as const
    for (const [change, undo] of changes) {
      await sql(change)
      const { status, body } = await create()
      t.strictSame([status, body], [500, { detail: 'Internal server error', status_code: 500 }])
      await sql(undo)
    }
    t.equal((await create()).status, 201)
  })

  await t.test('a mail that a mail server refuses, and quotes, is one line that says which kind of mail', async (t) => {
    for (const [what, log] of await refused) {
      const lines = () => readFileSync(log, 'utf8').split('\n').filter((line) => line.includes('mail not sent'))
      await until(`a line about ${what}`, () => lines().length > 0)
      t.match(lines().map((line) => JSON.parse(line) as unknown), [{ mail: /^Confirm your email address/, code: /^E/ }], what)
      await searchLog(log)
    }
  })

  await t.test('the search of a log finds what must not be in it', async (t) => {
    const text = readFileSync(server.log, 'utf8')
    const lines = text.trimEnd().split('\n')
    const last = JSON.parse(lines.at(-1)!) as Record<string, unknown>
    const line = (changes: object) => JSON.stringify({ ...last, ...changes })
    const { time, pid, hostname } = last
    const outage = JSON.stringify({ level: 40, time, pid, hostname, reason: 'ECONNREFUSED', msg: 'database unavailable' })
    const basic = Buffer.from(`${ada.email}:${PASSWORD}`).toString('base64')
    const plants: Record<string, string> = {
      ...Object.fromEntries([...secrets, ...tokens.flatMap((token) => token.split('.')), basic, SECRET_WORD].map((secret) => [secret, line({ path: `/${secret}` })])),
      'a statement': line({ path: 'insert into "tasks" values ($1)' }),
      'a header': line({ authorization: 'none' }),
      'another field': line({ colour: 'red' }),
      'another message': line({ msg: 'forged' }),
      'half a request': line({ status: undefined }),
      'no JSON': 'hello',
      'three warnings in a second': `${outage}\n${outage}\n${outage}`
    }
    const copy = join(folder, 'copy.log')
    copyFileSync(server.log, copy)
    t.equal((await searchLog(copy)).lines, lines.length, 'there is nothing in it')
    for (const [what, plant] of Object.entries(plants)) {
      const at = Math.floor(lines.length / 2)
      writeFileSync(copy, [...lines.slice(0, at), plant, ...lines.slice(at), ''].join('\n'))
      await t.rejects(searchLog(copy), what)
    }
    writeFileSync(copy, [...lines, `${outage}\n${outage}`, ''].join('\n'))
    t.equal((await searchLog(copy)).warnings, 2, 'two warnings are none too many')
  })
}

const cluster = await startCluster(t)
if (cluster) t.test('on PostgreSQL', async (t) => onPostgres(t, cluster))

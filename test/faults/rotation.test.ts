import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { LoginAnswer } from '../../src/schemas/auth.js'
import { generationOf } from '../support/accounts.js'
import { until } from '../support/until.js'
import { NoAnswer, PASSWORD, clientOf, signUp, type Client, type Person } from './support/client.js'
import { startCluster, type Cluster } from './support/cluster.js'
import { rounds } from './support/run.js'
import { startServer } from './support/server.js'
import { note } from './support/table.js'

/** Sessions of a round. Each belongs to two tabs of a browser, which renew it at the same time. */
const SESSIONS = 4

/** Renews with one token until there is an answer, as a client must: only 401 would log it out. */
async function renew (token: string, client: Client): Promise<{ token: string, access: string, tries: number }> {
  for (let tries = 1; ; tries++) {
    const answer = await client.call('POST', '/api/auth/refresh', { body: { refresh_token: token } })
      .catch((error: unknown) => { if (!(error instanceof NoAnswer)) throw error })
    if (answer?.status === 200) {
      const { refresh_token: next, access_token: access } = answer.body as LoginAnswer
      return { token: next, access, tries }
    }
    if (answer && answer.status !== 503) throw new Error(`a renewal is ${answer.status}: ${JSON.stringify(answer.body)}`)
    await sleep(10)
  }
}

/** A session, and what its two tabs do with it. */
function tabsOf (client: Client, first: string) {
  let current = first
  const seen = { renewals: 0, repeated: 0 }
  return {
    seen,
    current: () => current,
    /** Both tabs renew. @returns whether they have the same token, the one after the last */
    async renewBoth (t: Test): Promise<string> {
      const before = generationOf(current)
      // At once or a little later: in any order, and while the other's answer is on its way.
      const later = sleep(Math.random() * 5).then(async () => renew(current, client))
      const [one, other] = await Promise.all([renew(current, client), later])
      t.equal(one.token, other.token, 'both tabs have the same token')
      t.equal(generationOf(one.token), before + 1, 'which is the next one')
      current = one.token
      seen.renewals += 2
      seen.repeated += Number(one.tries > 1) + Number(other.tries > 1)
      return one.access
    }
  }
}

/** Breaks something in the middle of renewals, again and again: nobody is logged out, and no chain forks. */
async function whileRenewing (
  t: Test, { sql }: Cluster, client: Client, times: number, disturb: () => Promise<unknown>
): Promise<void> {
  const [ada] = await signUp(client, 1)
  const sessions = await Promise.all(Array.from({ length: SESSIONS }, async () => tabsOf(client, await logIn(client, ada!))))
  for (let n = 0; n < times; n++) {
    const state = { isOver: false }
    const renewing = Promise.all(sessions.map(async (session) => {
      let access = ''
      while (!state.isOver) access = await session.renewBoth(t)
      return access
    }))
    // Before, in the middle of, or after a renewal: each takes some milliseconds.
    await sleep(Math.random() * 30)
    await disturb()
    state.isOver = true
    for (const token of await renewing) {
      t.equal((await client.call('GET', '/api/auth/me', { token })).status, 200, 'the access token is good')
    }
  }
  const stored = await sql('select generation from todo.sessions where owner_id = $1 and generation > 0 order by 1', [ada!.id])
  const held = sessions.map(({ current }) => generationOf(current())).sort((a, b) => a - b)
  t.strictSame(stored.map(({ generation }) => generation), held, 'each chain is as long as its holder knows')
  const [all, again] = (['renewals', 'repeated'] as const)
    .map((kind) => sessions.reduce((sum, { seen }) => sum + seen[kind], 0))
  t.ok(again! > 0, 'some renewals had to be sent again')
  note(t, `${all} renewals, of which ${again} were sent again; nobody was logged out`)
}

async function logIn (client: Client, { email }: Person): Promise<string> {
  const { body } = await client.call('POST', '/api/auth/login', { body: { email, password: PASSWORD } })
  return (body as LoginAnswer).refresh_token
}

const cluster = await startCluster(t)
if (cluster) {
  t.test(`PostgreSQL is killed (-9) ${rounds.rotationKills} times while sessions are renewed`, async (t) => {
    const server = await startServer(t, { DATABASE_URL: cluster.url })
    const client = clientOf(t, server.port)
    await whileRenewing(t, cluster, client, rounds.rotationKills, async () => {
      await cluster.kill()
      await cluster.start()
      await until('the server is ready again', async () => (await client.call('GET', '/ready')).status === 200)
    })
  })

  t.test(`the connections to PostgreSQL are terminated ${rounds.rotationKills} times while sessions are renewed`, async (t) => {
    const server = await startServer(t, { DATABASE_URL: cluster.url })
    const client = clientOf(t, server.port)
    await whileRenewing(t, cluster, client, rounds.rotationKills, async () => {
      await cluster.sql('select pg_terminate_backend(pid) from pg_stat_activity where backend_type = \'client backend\' and pid <> pg_backend_pid()')
      await sleep(20)
    })
  })
}

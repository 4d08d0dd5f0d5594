import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { parseConnectionString } from '../../src/db/connection-string.js'
import { sessionOptions } from '../../src/db/session.js'
import { postgresServer } from '../support/wire.js'

/*
 * What src/db/pool.ts knows of the insides of postgres.js, and what patches/ repairs in its connections. When a new version fails
 * here, both want to be looked at (docs/decisions/driver.md).
 */

const server = await postgresServer(t)
const { hostname, port } = new URL(server.url)

/** A query, with what is nowhere documented. */
type Query = postgres.PendingQuery<postgres.Row[]> & { state: object | null, active: boolean, prepared?: boolean }

const NUMBERS = 'select i as n from generate_series(1, $1::int) i'
const upTo = (max: number) => Array.from({ length: max }, (_, index) => ({ n: index + 1 }))

/** Of what is waited for without end when the driver is not repaired; in milliseconds. */
const inTime = { timeout: 30_000 }

/** A pool of so many connections, the sockets of these, and what asks it. */
function open (t: Test, max: number) {
  const sockets: Socket[] = []
  const client = postgres({
    ...sessionOptions(parseConnectionString(server.url), 5000, 0),
    max,
    socket: async () => {
      sockets.push(connect(Number(port), hostname))
      return sockets.at(-1)!
    }
  } as object)
  t.teardown(async () => { await client.end({ timeout: 1 }) })
  const ask = (max: number, text = NUMBERS, prepare: boolean | 'anew' = true) =>
    client.unsafe(text, [max], { prepare: prepare as boolean }) as Query
  return { client, sockets, ask, rows: async (query: Query) => [...await query] }
}

t.test('a query tells on which connection it was sent, and whether that had prepared it', async (t) => {
  const { ask } = open(t, 2)
  const first = [ask(1), ask(1)]
  t.strictSame(first.map(({ state }) => state), [null, null], 'none, when it has not been sent')
  await Promise.all(first)
  const [one, other] = first.map(({ state }) => state)
  t.type(one, 'object')
  t.ok(other && one && one !== other, 'two connections')
  const second = [ask(1), ask(1)]
  await Promise.all(second)
  t.strictSame(new Set(second.map(({ state }) => state)), new Set([one, other]), 'each stays the same object')
  t.notOk(first.some(({ prepared }) => prepared), 'none had it prepared')
  t.ok(second.every(({ prepared }) => prepared), 'both have')
  const anew = ask(1, NUMBERS, 'anew')
  await anew
  t.notOk(anew.prepared, 'unless it is to be prepared anew')
})

t.test('a query that was cancelled before it was sent is never sent', async (t) => {
  const { ask, rows } = open(t, 1)
  await ask(1)
  // What is not prepared yet has the connection for itself.
  const [sent, waiting] = [ask(2, `${NUMBERS} -- sent`), ask(3, `${NUMBERS} -- waiting`)]
  const answers = Promise.allSettled([rows(sent), rows(waiting)])
  await turn()
  t.ok(sent.state)
  t.equal(waiting.state, null)
  waiting.cancel()
  t.match(await answers, [{ value: upTo(2) }, { reason: { code: '57014' } }])
  t.equal(waiting.state, null)
  t.strictSame(await rows(ask(4)), upTo(4))
})

t.test('a query that is cancelled before it gets a connection takes none away', inTime, async (t) => {
  const { ask, rows } = open(t, 1)
  await ask(1)
  const query = ask(2)
  const cancelled = query.catch((error: unknown) => error)
  query.cancel()
  t.match(await cancelled, { code: '57014' })
  t.strictSame(await rows(ask(3)), upTo(3))
})

t.test('a query that has to be prepared is sent when those before it are answered, and fails with them', inTime, async (t) => {
  const { ask, rows, sockets } = open(t, 1)
  await ask(1)
  for (const prepare of [true, false]) {
    const both = () => [ask(2), ask(3, `${NUMBERS} -- new`, prepare)] as const
    const asked = both()
    const answers = Promise.all(asked.map(rows))
    await turn()
    t.strictSame(asked.map(({ state }) => state !== null), [true, false])
    t.strictSame(await answers, [upTo(2), upTo(3)])
  }
  const inVain = server.silence()
  const lost = [ask(2), ask(3, `${NUMBERS} -- newer`)]
  const failed = Promise.allSettled(lost.map(rows))
  await inVain
  sockets[0]!.destroy()
  t.match(await failed, [{ reason: { code: 'CONNECTION_CLOSED' } }, { reason: { code: 'CONNECTION_CLOSED' } }])
  for (let times = 0; times < 2; times++) t.strictSame(await rows(ask(4)), upTo(4))
  t.equal(lost[1]!.state, null, 'nor is it sent later')
})

t.test('a query that is not to be prepared is sent in one message, and none waits behind it', inTime, async (t) => {
  const { ask, rows, sockets } = open(t, 2)
  await Promise.all([ask(1), ask(1)])
  const unprepared = (max: number) => ask(max, NUMBERS, false)
  const written = () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0)
  const before = written()
  const answer = rows(unprepared(2))
  await turn()
  await turn()
  const sent = written()
  t.ok(sent > before)
  t.strictSame(await answer, upTo(2))
  t.equal(written(), sent)

  const inVain = server.silence()
  const failed = Promise.allSettled([unprepared(2), unprepared(3)].map(rows))
  const waiting = rows(unprepared(4))
  await inVain
  sockets[0]!.destroy()
  t.strictSame(await waiting, upTo(4), 'what waits goes to the connection that is free first')
  sockets[1]!.destroy()
  t.match(await failed, [{ reason: { code: 'CONNECTION_CLOSED' } }, { reason: { code: 'CONNECTION_CLOSED' } }])
})

t.test('what PostgreSQL says when it stops is told to those whom it ends, and to nobody later', inTime, async (t) => {
  for (const fate of ['pass', 'dismiss'] as const) {
    const { ask, rows } = open(t, 1)
    await ask(1)
    const inVain = server.silence()
    const lost = t.rejects(ask(2), { code: 'CONNECTION_CLOSED' })
    await inVain
    server.treat(fate)
    server.dismiss()
    await lost
    if (fate === 'dismiss') await t.rejects(ask(3), { code: '57P01' }, 'nor left to wait, when it is not back')
    server.treat('pass')
    t.strictSame(await rows(ask(4)), upTo(4))
  }
})

t.test('a pool that is ended at once fails what is under way, also on a connection where nobody answers', async (t) => {
  const { client, ask } = open(t, 1)
  await ask(1)
  const inVain = server.silence()
  const answer = t.rejects(ask(2), { code: 'CONNECTION_DESTROYED' })
  await inVain
  await client.end({ timeout: 0 })
  await answer
})

t.test('a query that is cancelled in the pipeline leaves its answer to nobody', inTime, async (t) => {
  const { ask, rows } = open(t, 1)
  await ask(1)
  const all = [ask(2), ask(3), ask(4), ask(5)]
  const answers = Promise.allSettled(all.map(rows))
  await turn()
  t.match(all[1], { state: {}, active: false }, 'it is on its way, behind another')
  all[1]!.cancel()
  // PostgreSQL cancels whatever runs when it is told.
  for (const [index, answer] of (await answers).entries()) {
    if (answer.status === 'fulfilled') t.strictSame(answer.value, upTo(index + 2))
    else t.match(answer.reason, { code: '57014' })
  }
  // A request to cancel that comes late meets one of those that follow, whichever runs then.
  for (let count = 6, right = 0; right < 3; count++) {
    const answer = await rows(ask(count)).catch((error: unknown) => { t.match(error, { code: '57014' }) })
    if (!answer) continue
    t.strictSame(answer, upTo(count))
    right++
  }
})

t.test('a connection whose first query was cancelled serves the next one', inTime, async (t) => {
  const { ask, rows, sockets } = open(t, 1)
  const first = ask(1)
  const cancelled = t.rejects(first, { code: '57014' })
  await turn()
  t.equal(first.state, null, 'it waits for the connection')
  first.cancel()
  await cancelled
  t.strictSame(await rows(ask(2)), upTo(2))
  t.equal(sockets.length, 1)
})

t.test('connections that are cut at once work again, also when what failed on the one was on its way on the other', inTime, async (t) => {
  const met = []
  // Which of them closes first is Node's affair.
  for (const order of [[0, 1], [1, 0]]) {
    const { ask, rows, sockets } = open(t, 2)
    const opened = [ask(1), ask(1)]
    await Promise.all(opened)
    const inVain = server.silence()
    const lost = ask(2)
    let again: Query | undefined
    const failed = lost.catch(async () => {
      again = ask(3)
      await again.catch(() => {})
    })
    await inVain
    for (const index of order) sockets[index]!.destroy()
    await failed
    met.push(again!.state !== null && again!.state !== lost.state)
    t.strictSame(await Promise.all([ask(4), ask(5)].map(rows)), [upTo(4), upTo(5)])
  }
  t.ok(met.some(Boolean), 'one of them was written to while it closed')
})

t.test('a transaction whose connection has gone fails, and the pool goes on', inTime, async (t) => {
  const { client, ask, rows, sockets } = open(t, 1)
  let inside: Promise<void> | undefined
  async function work (transaction: postgres.TransactionSql): Promise<void> {
    await transaction`select 1`
    const closed = once(sockets[0]!, 'close')
    sockets[0]!.destroy()
    await closed
    await t.rejects(transaction`select 2`, { code: 'CONNECTION_CLOSED' })
    await t.rejects(transaction.unsafe(NUMBERS, [3], { prepare: true }), { code: 'CONNECTION_CLOSED' })
  }
  await t.rejects(client.begin(async (transaction) => { await (inside = work(transaction)) }), { code: 'CONNECTION_CLOSED' })
  await inside
  // Its rollback fails there as well.
  for (let turns = 0; turns < 2; turns++) await turn()
  t.strictSame(await rows(ask(2)), upTo(2))
})

import { once } from 'node:events'
import { get } from 'node:http'
import t from 'tap'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { startApp } from '../helper.js'
import { cleanDatabase } from '../support/database.js'
import { keepLog } from '../support/log.js'
import { follow, listening, type Stream } from '../support/stream.js'
import { teardown } from '../support/teardown.js'
import { until } from '../support/until.js'

/** A clock that a test moves. */
const clock = () => {
  let ahead = 0
  return { now: () => Date.now() + ahead, move (seconds: number) { ahead += seconds * 1000 } }
}

const EVENTS = '/api/tasks/events'

t.test('a server that stops ends its streams, and says when to come again', async (t) => {
  const { app, signUp } = await startApp(t)
  const base = await listening(app)
  const ada = await signUp()
  const [one, other] = await Promise.all([1, 2].map(async () => follow(t, base + EVENTS, ada.token))) as [Stream, Stream]
  await one.wait(1)
  app.drain()
  const late = await follow(t, base + EVENTS, ada.token)
  await until('all have ended', () => one.hasEnded() && other.hasEnded() && late.hasEnded())
  for (const { rest } of [one, other, late]) t.match(rest.at(-1), /^retry: [1-5]\d{3}$/)
  await until('they are forgotten', () => app.live.count() === 0)
})

t.test('a server that is closed at once ends its streams too', async (t) => {
  const { app, signUp } = await startApp(t)
  const stream = await follow(t, await listening(app) + EVENTS, (await signUp()).token)
  await stream.wait(1)
  await app.close()
  await until('it has ended', stream.hasEnded)
  t.match(stream.rest, [/^retry: /])
})

t.test('whoever is told nothing for 20 seconds gets a comment, also when the clock was set back', async (t) => {
  const { now, move } = clock()
  const { app, signUp } = await startApp(t, { now })
  const stream = await follow(t, await listening(app) + EVENTS, (await signUp()).token)
  await stream.wait(1)
  for (const seconds of [21, -3600]) {
    const before = stream.rest.length
    move(seconds)
    await until('a comment came', () => stream.rest.length > before)
    t.match(stream.rest.at(-1), /^:/)
  }
})

t.test('a stream ends with `unauthenticated` when its token expires', async (t) => {
  const { now, move } = clock()
  const { app, signUp } = await startApp(t, { now, settings: { ACCESS_TOKEN_EXPIRE_MINUTES: '30' } })
  const stream = await follow(t, await listening(app) + EVENTS, (await signUp()).token)
  await stream.wait(1)
  move(30 * 60)
  await until('it has ended', stream.hasEnded)
  t.strictSame(stream.events.at(-1), { event: 'unauthenticated', data: {} })
})

t.test('a database that is away costs a stream nothing but time, and a stream that cannot begin takes no place', async (t) => {
  const { database, drop } = await cleanDatabase()
  let isAway = false
  const run: typeof database.run = async (statement, values) => {
    if (isAway && statement.name.startsWith('changes.')) throw new DatabaseUnavailable('away')
    return await database.run(statement, values)
  }
  const output = keepLog()
  const { app, signUp } = await startApp(t, { database: { ...database, run }, output, settings: { LOG_LEVEL: 'warn' } })
  teardown(t, async () => {
    await database.close()
    await drop()
  })
  const [ada, bob] = [await signUp(), await signUp()]
  const base = await listening(app)
  const stream = await follow(t, base + EVENTS, ada.token)
  await (await follow(t, base + EVENTS, bob.token)).wait(1)
  await stream.wait(1)
  isAway = true
  for (const somebody of [ada, bob]) await somebody.add('meanwhile')
  t.equal((await ada.call('GET', EVENTS)).status, 503)
  t.equal(app.live.count(), 2)
  const lines = () => output.lines().filter(({ msg }) => msg === 'changes not read')
  await until('it was asked in vain', () => lines().length > 1)
  const [first, second] = lines().map(({ time }) => Number(time))
  t.ok(second! - first! > 990, 'the log tells it once in a second, however many listen')
  isAway = false
  t.equal((await stream.wait(2))[1]!.data.title, 'meanwhile')
})

t.test('a client that leaves before its stream begins leaves nothing behind', async (t) => {
  const { database, drop } = await cleanDatabase()
  let go = () => {}
  const gate = new Promise<void>((resolve) => { go = resolve })
  let asked = false
  const run: typeof database.run = async (statement, values) => {
    if (statement.name === 'changes.newest') {
      asked = true
      await gate
    }
    return await database.run(statement, values)
  }
  const { app, signUp } = await startApp(t, { database: { ...database, run } })
  teardown(t, async () => {
    await database.close()
    await drop()
  })
  const { token } = await signUp()
  const request = get(await listening(app) + EVENTS, { agent: false, headers: { authorization: `Bearer ${token}` } })
  const failed = once(request, 'error').catch((error: Error) => error)
  await until('it was asked', () => asked)
  request.destroy(new Error('left'))
  await failed
  await until('its connection is closed', async () =>
    await new Promise<number>((resolve) => { app.server.getConnections((_error, count) => { resolve(count) }) }) === 0)
  t.equal(app.live.count(), 1)
  go()
  await until('its place is free', () => app.live.count() === 0)
})

/** Many tasks, as if they had been created one after another; each is 12 KB of JSON, and little work for the database. */
const MANY = `with n as (
    update todo.task_lists set revision = revision + $2, open = open + $2, changed_at = now() where owner_id = $1
    returning owner_id, revision - $2 as first, changed_at),
  made as (
    insert into todo.tasks (id, owner_id, title, description, revision, created_at, updated_at)
    select gen_random_uuid(), owner_id, 'much', repeat(chr(1), 2000), first + at, changed_at, changed_at from n, generate_series(1, $2) at
    returning id, owner_id, revision, updated_at)
  insert into todo.task_changes (owner_id, revision, task_id, changed_at) select owner_id, revision, id, updated_at from made`

t.test('who does not read is cut off, costs little until then, and everybody else is told', async (t) => {
  const { now, move } = clock()
  const { app, signUp, sql } = await startApp(t, { now })
  const base = await listening(app)
  const ada = await signUp()
  const deaf = await follow(t, base + EVENTS, ada.token)
  await deaf.wait(1)
  deaf.pause()
  const reader = await follow(t, base + EVENTS, ada.token)
  const many = 700
  await sql(MANY, [ada.id, many])
  await until('the other one has it all', () => reader.events.length === many + 1)
  t.equal(new Set(reader.events.map(({ id }) => id)).size, many + 1, 'once each')
  t.ok(deaf.events.length < many)
  t.equal(app.live.count(), 2, 'it has time')
  move(21)
  await until('it is cut off', () => app.live.count() === 1)
})

t.test('who does not even take the end is cut off too', async (t) => {
  const { now, move } = clock()
  const { app, signUp, sql } = await startApp(t, { now, settings: { ACCESS_TOKEN_EXPIRE_MINUTES: '30' } })
  const base = await listening(app)
  const ada = await signUp()
  const deaf = await follow(t, base + EVENTS, ada.token)
  const reader = await follow(t, base + EVENTS, ada.token)
  deaf.pause()
  await sql(MANY, [ada.id, 700])
  await until('the other one has it all', () => reader.events.length === 701)
  move(30 * 60)
  // It has taken nothing for long by this clock: it is cut off at once, or has the time to take the end.
  await until('the other one has ended', () => reader.hasEnded())
  move(21)
  await until('it is cut off', () => app.live.count() === 0)
})

t.test('a stream that has nothing to say is not taken for an answer that nobody takes', async (t) => {
  const { app, signUp } = await startApp(t)
  const base = await listening(app)
  app.server.timeout = 100
  const ada = await signUp()
  const stream = await follow(t, base + EVENTS, ada.token)
  await stream.wait(1)
  await once(app.server, 'timeout')
  await ada.add('later')
  t.equal((await stream.wait(2))[1]!.data.title, 'later')
})

t.test('what is written while changes are read comes as well', async (t) => {
  const { database, drop } = await cleanDatabase()
  let wait = Promise.resolve()
  let reads = 0
  const run: typeof database.run = async (statement, values) => {
    if (statement.name === 'changes.after') {
      reads++
      await wait
    }
    return await database.run(statement, values)
  }
  const { app, signUp } = await startApp(t, { database: { ...database, run } })
  teardown(t, async () => {
    await database.close()
    await drop()
  })
  const ada = await signUp()
  const stream = await follow(t, await listening(app) + EVENTS, ada.token)
  await stream.wait(1)
  let go = () => {}
  wait = new Promise<void>((resolve) => { go = resolve })
  const before = reads
  for (const title of ['one', 'two', 'three']) await ada.add(title)
  t.equal(reads, before + 1, 'one reading at a time')
  go()
  t.strictSame((await stream.wait(4)).slice(1).map(({ data }) => data.title), ['one', 'two', 'three'])
})

t.test('who reads slowly gets it all, at their own pace', async (t) => {
  const { app, signUp, sql } = await startApp(t)
  const base = await listening(app)
  const ada = await signUp()
  const slow = await follow(t, base + EVENTS, ada.token)
  await slow.wait(1)
  slow.pause()
  const many = 700
  await sql(MANY, [ada.id, many])
  for (let seen = 0; slow.events.length < many + 1; seen = slow.events.length) {
    slow.resume()
    await until('some more came', () => slow.events.length > seen)
    slow.pause()
  }
  t.equal(new Set(slow.events.map(({ id }) => id)).size, many + 1)
})

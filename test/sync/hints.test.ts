import t, { type Test } from 'tap'
import { DatabaseUnavailable } from '../../src/db/errors.js'
import { startRedis } from '../faults/support/redis.js'
import { startApp } from '../helper.js'
import { startPublisher } from '../support/publisher.js'
import { follow, listening } from '../support/stream.js'
import { until } from '../support/until.js'

/** Two processes that share a database and a Redis; the second one cannot ask every second, while that is said. */
async function two (t: Test, url: string) {
  const one = await startApp(t, { settings: { REDIS_URL: url } })
  const asks = { isForbidden: false }
  const run: typeof one.db.run = async (statement, values) => {
    if (asks.isForbidden && statement.name === 'changes.newest') throw new DatabaseUnavailable('not now')
    return await one.db.run(statement, values)
  }
  const other = await startApp(t, { database: { ...one.db, run }, settings: { REDIS_URL: url } })
  return { one, asks, there: `${await listening(other.app)}/api/tasks/events` }
}

/** A change through one process, until the hint of one has been heard: a subscription takes a moment. */
async function told (t: Test, { one, asks, there }: Awaited<ReturnType<typeof two>>) {
  const ada = await one.signUp()
  const stream = await follow(t, there, ada.token)
  await stream.wait(1)
  asks.isForbidden = true
  await until('a hint came', async () => {
    await ada.add('again')
    return stream.events.length > 1
  })
  return { ada, stream, asks }
}

t.test('a change through another process is told at the hint of a message, without asking the database every second', async (t) => {
  const { stream } = await told(t, await two(t, (await startPublisher(t)).url))
  t.equal(stream.events[1]!.data.title, 'again')
})

t.test('a Redis that comes back and does not answer costs nothing but time, and hints come again when it does', async (t) => {
  const publisher = await startPublisher(t)
  const { ada, stream, asks } = await told(t, await two(t, publisher.url))
  const before = publisher.subscriptions()
  publisher.cut(true)
  asks.isForbidden = false
  // Two processes, each of which tries at least twice: what they did not wait for any more is over by then.
  await until('they have tried', () => publisher.subscriptions() >= before + 4)
  await ada.add('meanwhile')
  await until('it came', () => stream.events.some(({ data }) => data.title === 'meanwhile'))
  publisher.cut(false)
  asks.isForbidden = true
  await until('hints come again', async () => {
    await ada.add('with')
    return stream.events.some(({ data }) => data.title === 'with')
  })
})

t.test('the same with Redis; without it a change comes a little later, and with it again at once', async (t) => {
  const redis = await startRedis(t)
  if (!redis) return
  const { ada, stream, asks } = await told(t, await two(t, redis.url))
  await redis.kill()
  asks.isForbidden = false
  await ada.add('without')
  await until('it came', () => stream.events.some(({ data }) => data.title === 'without'))
  await redis.start()
  asks.isForbidden = true
  await until('hints come again', async () => {
    await ada.add('with')
    return stream.events.some(({ data }) => data.title === 'with')
  })
  t.equal(new Set(stream.events.map(({ id }) => id)).size, stream.events.length, 'nothing came twice')
})

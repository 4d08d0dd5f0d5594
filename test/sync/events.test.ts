import t from 'tap'
import { startApp } from '../helper.js'
import { follow, listening } from '../support/stream.js'
import { until } from '../support/until.js'

const one = await startApp(t, { settings: { MAX_STREAMS_PER_USER: '3', MAX_STREAMS: '6' } })
const other = await startApp(t, { database: one.db })
const { signUp, sql } = one
const [here, there] = [await listening(one.app), await listening(other.app)]
const url = `${here}/api/tasks/events`

t.test('who listens is told of every change, with the task as it is, in order', async (t) => {
  const ada = await signUp()
  const stream = await follow(t, url, ada.token)
  const [ready] = await stream.wait(1)
  t.match(ready, { event: 'ready', id: String, data: { position: ready!.id } })
  const task = await ada.add('one')
  const { body: changed } = await ada.call('PUT', `/api/tasks/${task.id}`, { body: { title: 'two' } })
  await until('both came', () => stream.events.some(({ data }) => data.title === 'two'))
  await ada.call('DELETE', `/api/tasks/${task.id}`)
  await until('it is gone', () => stream.events.at(-1)!.event === 'deleted')
  t.strictSame(stream.events.at(-1)!.data, { id: task.id })
  t.strictSame(stream.events.find(({ data }) => data.title === 'two')!.data, changed)
  t.equal(new Set(stream.events.map(({ id }) => id)).size, stream.events.length, 'no id comes twice')
  t.match(stream.headers, {
    'content-type': /^text\/event-stream/, 'cache-control': 'no-store', 'x-accel-buffering': 'no', 'x-request-id': String
  })
})

t.test('a change through another process arrives too, and nobody else hears of it', async (t) => {
  const [ada, bob] = [await signUp('Ada'), await signUp('Bob')]
  const [own, foreign] = [await follow(t, `${there}/api/tasks/events`, ada.token), await follow(t, url, bob.token)]
  await own.wait(1)
  await ada.add('from here')
  const [, event] = await own.wait(2)
  t.equal(event!.data.title, 'from here')
  t.equal(foreign.events.length, 1)
})

t.test('the id of an event is good as `since` of changes, `next` of changes for a stream, and nothing is missed between', async (t) => {
  const ada = await signUp()
  await ada.add('before')
  const { body } = await ada.call('GET', '/api/tasks/changes')
  await ada.add('between')
  const stream = await follow(t, `${url}?since=${body.next as string}`, ada.token)
  const [ready, event] = await stream.wait(2)
  t.strictSame([ready!.event, ready!.id, event!.data.title], ['ready', body.next, 'between'])
  await ada.add('after')
  const { body: later } = await ada.call('GET', `/api/tasks/changes?since=${event!.id!}`)
  t.strictSame(later.changes.map(({ task }: any) => task.title), ['after'])
})

t.test('a browser that comes again is told what it has missed: Last-Event-ID counts more than the address', async (t) => {
  const ada = await signUp()
  const first = await follow(t, url, ada.token)
  const [ready] = await first.wait(1)
  await ada.add('one')
  const [, event] = await first.wait(2)
  first.close()
  await ada.add('two')
  const again = await follow(t, `${url}?since=${ready!.id!}`, ada.token, { 'last-event-id': event!.id! })
  t.strictSame((await again.wait(2)).map(({ event, data }) => [event, data.title]), [['ready', undefined], ['task', 'two']])
})

t.test('a position that has expired, or is none, is told by `reset`, and the stream goes on from now', async (t) => {
  const [ada, bob] = [await signUp('Ada'), await signUp('Bob')]
  const walk = async (person: typeof ada) => (await person.call('GET', '/api/tasks/changes?limit=1')).body.next as string
  await ada.add('one')
  await ada.add('two')
  const expired = await follow(t, url, ada.token)
  const [{ id: old } = {}] = await expired.wait(1)
  expired.close()
  await ada.add('three')
  await sql('delete from todo.task_changes where owner_id = $1 and revision < 3', [ada.id])
  const cases = { expired: old!, 'of an unfinished walk': await walk(ada), 'another owner\'s': await walk(bob), rubbish: 'x' }
  for (const [name, id] of Object.entries(cases)) {
    const stream = await follow(t, url, ada.token, { 'last-event-id': id })
    const [reset] = await stream.wait(1)
    t.match(reset, { event: 'reset', data: { position: reset!.id } }, name)
    const { title } = await ada.add(`after ${name}`)
    t.equal((await stream.wait(2))[1]!.data.title, title)
    stream.close()
  }
  await until('all have gone', () => one.app.live.count() === 0)
  for (const id of [cases['another owner\'s'], 'x']) {
    t.match((await ada.call('GET', `/api/tasks/events?since=${id}`)).body.detail[0], { type: 'value_error.since' })
  }
})

t.test('a restored backup under an open stream is told by `reset`', async (t) => {
  const ada = await signUp()
  await ada.add('kept')
  const stream = await follow(t, url, ada.token)
  await stream.wait(1)
  const { id } = await ada.add('lost')
  await stream.wait(2)
  await sql('delete from todo.tasks where id = $1', [id])
  await sql('delete from todo.task_changes where owner_id = $1 and revision = 2', [ada.id])
  await sql('update todo.task_lists set revision = 1, open = 1, changed_at = (select changed_at from todo.task_changes where owner_id = $1 and revision = 1) where owner_id = $1', [ada.id])
  t.equal((await stream.wait(3))[2]!.event, 'reset')
})

t.test('a stream ends with `unauthenticated` when the session or the account ends, here and elsewhere', async (t) => {
  const ends: Record<string, (person: Awaited<ReturnType<typeof signUp>>) => Promise<unknown>> = {
    logout: async ({ call }) => call('POST', '/api/auth/logout'),
    'logout through another process': async ({ token }) => other.call('POST', '/api/auth/logout', { token }),
    'the account is deleted': async ({ id }) => sql('delete from todo.users where id = $1', [id])
  }
  for (const [name, end] of Object.entries(ends)) {
    const ada = await signUp()
    const stream = await follow(t, url, ada.token)
    await stream.wait(1)
    await end(ada)
    await until('it has ended', stream.hasEnded)
    t.equal(stream.events.at(-1)!.event, 'unauthenticated', name)
  }
})

t.test('so many streams of a user, and in all; what has been closed makes room', async (t) => {
  const ada = await signUp()
  const streams = await Promise.all([1, 2, 3].map(async () => follow(t, url, ada.token)))
  const refused = await follow(t, url, ada.token)
  t.strictSame([refused.status, refused.headers['retry-after']], [429, '10'])
  const bob = await signUp('Bob')
  await Promise.all([1, 2, 3].map(async () => follow(t, url, bob.token)))
  const carol = await signUp('Carol')
  t.equal((await follow(t, url, carol.token)).status, 503)
  streams[0]!.close()
  await until('there is room', () => one.app.live.count() === 5)
  t.equal((await follow(t, url, ada.token)).status, 200)
  t.equal(one.app.places.requests.count(), 0, 'they take no place among the requests')
})

t.test('who asks for the headers alone gets them, and no stream', async (t) => {
  const ada = await signUp()
  const { status, headers, text } = await ada.call('HEAD', '/api/tasks/events')
  t.strictSame([status, text], [200, ''])
  t.match(headers['content-type'], /^text\/event-stream/)
})

t.test('a token whose account is gone is 401', async (t) => {
  const ada = await signUp()
  await sql('delete from todo.users where id = $1', [ada.id])
  t.equal((await ada.call('GET', '/api/tasks/events')).status, 401)
})

t.test('however many come at once, a user has no more streams than are allowed', async (t) => {
  await until('all have gone', () => one.app.live.count() === 0)
  const ada = await signUp()
  const streams = await Promise.all(Array.from({ length: 6 }, async () => follow(t, url, ada.token)))
  t.strictSame(streams.map(({ status }) => status).sort(), [200, 200, 200, 429, 429, 429])
})

t.test('without a token there is no stream, and none is taken from the address', async (t) => {
  const ada = await signUp()
  t.equal((await one.call('GET', '/api/tasks/events')).status, 401)
  t.equal((await one.call('GET', `/api/tasks/events?access_token=${ada.token}`)).status, 401)
})

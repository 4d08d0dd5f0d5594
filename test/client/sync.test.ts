import { once } from 'node:events'
import { createServer, request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createTodoClient, unwrap, type Apply, type Batch, type SyncState, type Task, type TodoClient } from '../../client/src/index.js'
import { TIMING } from '../../client/src/course.js'
import { sender } from '../../client/src/send.js'
import { syncOf } from '../../client/src/sync.js'
import { tokenOf } from '../../src/sync/positions.js'
import { proxyTo } from '../support/proxy.js'
import { teardown } from '../support/teardown.js'
import { until } from '../support/until.js'
import { startApi } from './api.js'

const { app, baseUrl, member, sql } = await startApi(t)

/** As fast as a test wants it. */
const fast = { ...TIMING, ready: 300, silence: 60_000, tick: 50, poll: 30, polls: 400, first: 5, quiet: 60_000 }

type Options = { since?: string | undefined, apply?: Apply, timing?: typeof fast, url?: string }

/** What a front end keeps: its tasks, and where it is. */
function replicaOf ({ store }: Awaited<ReturnType<typeof member>>, { since, apply, timing = fast, url = baseUrl }: Options = {}) {
  const tasks = new Map<string, Task>()
  const batches: Batch[] = []
  const states: SyncState[] = []
  const controller = new AbortController()
  const todo: TodoClient = createTodoClient({ baseUrl: url, store })
  const { sync } = syncOf(async () => ({ api: todo.api, send: sender(todo.api), shared: null }), timing)
  const ended = sync({
    since,
    signal: controller.signal,
    onState: (state) => { states.push(state) },
    async apply (changes, batch) {
      await apply?.(changes, batch)
      batches.push({ changes, ...batch })
      if (batch.reset) tasks.clear()
      for (const change of changes) {
        if ('task' in change) tasks.set(change.task.id, change.task)
        else tasks.delete(change.deleted.id)
      }
    }
  }).then(() => null, (error: unknown) => error)
  const all = () => [...tasks.values()].sort((a, b) => a.id < b.id ? 1 : -1)

  return {
    batches,
    states,
    ended,
    /** Every change that came, in order: the title, or what was deleted. */
    seen: () => batches.flatMap(({ changes }) => changes).map((change) => 'task' in change ? change.task.title : `-${change.deleted.id}`),
    position: () => batches.at(-1)?.position,
    titles: () => all().map(({ title }) => title),
    is: async (state: SyncState) => until(`it is ${state}`, () => states.at(-1) === state, 20),
    /** Waits until it has what the server has. */
    async equals (): Promise<void> {
      await until('all is there', async () => {
        const { tasks } = await unwrap(todo.tasks.list({ limit: 100 }))
        return JSON.stringify(tasks.sort((a, b) => a.id < b.id ? 1 : -1)) === JSON.stringify(all())
      }, 20)
    },
    /** @returns how it ended */
    async stop (): Promise<unknown> {
      controller.abort()
      return await ended
    }
  }
}

/** No stream is open any more. */
const areFree = async () => until('the connections are free', () => app.live.count() === 0, 20)

/** Starts a server in front of the API, which hands on what `treat` does not answer. */
async function front (t: Test, treat: (url: string) => 'hold' | 'pass') {
  const server = createServer((incoming, answer) => {
    if (treat(incoming.url!) === 'hold') return
    const { url, method, headers } = incoming
    const forwarded = ask(baseUrl + url, { method, headers }, (given) => {
      given.pipe(answer.writeHead(given.statusCode!, given.rawHeaders))
    })
    answer.on('close', () => { forwarded.destroy() })
    incoming.pipe(forwarded.on('error', () => { answer.destroy() }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  teardown(t, () => { server.close().closeAllConnections() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('a front end has the tasks of the server, and is told what changes, in order and once', async (t) => {
  const ada = await member()
  const { tasks } = ada.todo
  for (const title of ['1', '2', '3']) await unwrap(tasks.create({ title }))
  const first = replicaOf(ada)
  await first.is('live')
  t.match(first.batches, [{ changes: [{ task: { title: '1' } }, { task: { title: '2' } }, { task: { title: '3' } }], reset: true }])
  const four = await unwrap(tasks.create({ title: '4 – „ä“ 🧦' }))
  await first.equals()
  await unwrap(tasks.complete(four.id))
  await first.equals()
  await unwrap(tasks.remove(four.id))
  await first.equals()
  t.strictSame(first.seen(), ['1', '2', '3', four.title, four.title, `-${four.id}`])
  t.strictSame(first.batches.map(({ reset }) => reset), [true, false, false, false])
  t.strictSame(first.states, ['polling', 'live'])
  t.equal(await first.stop(), null)
  await areFree()

  await unwrap(tasks.create({ title: '5' }))
  const second = replicaOf(ada, { since: first.position() })
  await second.is('live')
  t.match(second.batches, [{ changes: [{ task: { title: '5' } }], reset: false, hasMore: false }], 'and later only what is new')
  await second.stop()

  const third = replicaOf(ada, { since: second.position() })
  await third.is('live')
  t.strictSame(third.batches, [], 'or nothing')
  await third.stop()
  await areFree()
})

t.test('nothing is missed and nothing comes twice over lost connections and a server that is away', async (t) => {
  const ada = await member()
  const { tasks } = ada.todo
  const proxy = await proxyTo(baseUrl)
  teardown(t, () => { proxy.refuse(); proxy.cut() })
  const replica = replicaOf(ada, { url: new URL(proxy.url).origin })
  await replica.is('live')
  const expected: string[] = []
  for (let n = 0; n < 6; n++) {
    if (n === 3) proxy.refuse()
    proxy.cut()
    for (const title of [`${n} a`, `${n} b`]) {
      await unwrap(tasks.create({ title }))
      expected.push(title)
    }
    if (n === 3) {
      await replica.is('offline')
      await proxy.accept()
    }
    await until('both came', () => replica.seen().length === expected.length, 20)
  }
  await replica.is('live')
  t.strictSame(replica.seen(), expected)
  proxy.refuse()
  proxy.cut()
  await replica.is('offline')
  t.equal(await replica.stop(), null, 'and it ends while it waits')
  await areFree()
})

t.test('where a proxy keeps streams back, or no more are allowed, changes come all the same', async (t) => {
  const ada = await member()
  let isHeld = true
  const url = await front(t, (url) => isHeld && url.includes('/events') ? 'hold' : 'pass')
  const replica = replicaOf(ada, { url })
  await until('it has asked a few times', async () => {
    await unwrap(ada.todo.tasks.create({ title: String(replica.batches.length) }))
    return replica.seen().length > 3
  }, 20)
  t.strictSame(replica.states, ['polling'])
  isHeld = false
  await replica.is('live')
  await replica.equals()
  await replica.stop()
  await areFree()

  const listener = { session: undefined, until: Infinity }
  const allowed = Array.from({ length: 10 }, async () => app.live.listen(ada.user.id, undefined, listener))
  const streams = await Promise.all(allowed)
  const eleventh = replicaOf(ada)
  await eleventh.is('polling')
  await unwrap(ada.todo.tasks.create({ title: 'more' }))
  await eleventh.equals()
  for (const stream of streams) if (typeof stream !== 'string') stream.destroy()
  await eleventh.is('live')
  await eleventh.stop()
  await areFree()
})

t.test('a position that is not good any more begins anew, and says so', async (t) => {
  const ada = await member()
  await unwrap(ada.todo.tasks.create({ title: 'old' }))
  const undone = tokenOf({ owner: ada.user.id, seen: { revision: 999, time: 1 } })
  const replica = replicaOf(ada, { since: undone })
  await replica.is('live')
  t.match(replica.batches, [{ changes: [{ task: { title: 'old' } }], reset: true }], '410')

  // A backup is restored: the streams have seen what has never been.
  await sql("update todo.task_changes set changed_at = changed_at - interval '1 day' where owner_id = $1", [ada.user.id])
  await unwrap(ada.todo.tasks.create({ title: 'new' }))
  await until('it begins anew', () => replica.batches.filter(({ reset }) => reset).length === 2, 20)
  await replica.equals()
  await replica.stop()

  const eve = await member()
  t.match(await replicaOf(eve, { since: undone }).ended, { name: 'TodoApiError', status: 422 }, "somebody else's is an error")
  t.match(await replicaOf(eve, { since: 'no position' }).ended, { name: 'TodoApiError', status: 422 })
})

t.test('a stream without a sign of life for 45 seconds is given up, and the next one goes on where it was', async (t) => {
  const ada = await member()
  let time = 0
  let looks = 0
  const now = () => {
    looks++
    return time
  }
  const replica = replicaOf(ada, { timing: { ...fast, ready: 60_000, silence: TIMING.silence, tick: 5, now } })
  await replica.is('live')
  for (const title of ['1', '2']) {
    time += 45_000
    const before = looks
    await until('it has looked for signs of life', () => looks > before + 1, 20)
    // Which is one.
    await unwrap(ada.todo.tasks.create({ title }))
    await replica.equals()
  }
  t.strictSame(replica.states, ['polling', 'live'])
  time += 45_001
  await until('it is live again', () => replica.states.length === 4, 20)
  t.strictSame(replica.states, ['polling', 'live', 'offline', 'live'])
  await until('the silent one is closed', () => app.live.count() === 1, 20)
  await unwrap(ada.todo.tasks.create({ title: '3' }))
  await replica.equals()
  t.strictSame(replica.seen(), ['1', '2', '3'])
  await replica.stop()
  await areFree()
})

t.test('a slow apply is waited for, and one that fails ends it', async (t) => {
  const ada = await member()
  let running = 0
  let most = 0
  const replica = replicaOf(ada, {
    async apply () {
      most = Math.max(most, ++running)
      await new Promise((resolve) => { setTimeout(resolve, 30) })
      running--
    }
  })
  await replica.is('live')
  const titles = Array.from({ length: 20 }, (_, n) => String(n))
  for (const title of titles) await unwrap(ada.todo.tasks.create({ title }))
  await replica.equals()
  t.strictSame(replica.seen(), titles)
  t.equal(most, 1)
  await replica.stop()

  const full = new Error('the disk is full')
  const failing = replicaOf(ada, { since: replica.position(), apply () { throw full } })
  await failing.is('live')
  await unwrap(ada.todo.tasks.create({ title: 'one more' }))
  t.equal(await failing.ended, full)
  await areFree()
})

t.test('it ends cleanly wherever it is, and leaves no connection', async (t) => {
  const ada = await member()
  const { tasks } = ada.todo
  await unwrap(tasks.create({ title: 'x' }))
  t.equal(await replicaOf(ada).stop(), null, 'before anything was asked')
  const held = await front(t, () => 'hold')
  const waiting = replicaOf(ada, { url: held })
  await new Promise((resolve) => { setTimeout(resolve, 20) })
  t.equal(await waiting.stop(), null, 'while a page is on its way')
  const busy = replicaOf(ada, { apply: async () => { setImmediate(() => { void busy.stop() }) } })
  t.equal(await busy.ended, null, 'while something is kept')
  const kept = await front(t, (url) => url.includes('/events') ? 'hold' : 'pass')
  const opening = replicaOf(ada, { url: kept, timing: { ...fast, ready: 60_000 } })
  await opening.is('polling')
  t.equal(await opening.stop(), null, 'while a stream opens')
  const polling = replicaOf(ada, { url: kept, timing: { ...fast, ready: 1, poll: 60_000 } })
  await polling.is('polling')
  await new Promise((resolve) => { setTimeout(resolve, 200) })
  t.equal(await polling.stop(), null, 'between two questions')

  const controller = new AbortController()
  for await (const { changes } of ada.todo.tasks.changes({ signal: controller.signal })) {
    if (changes.some((change) => 'task' in change && change.task.title === 'y')) break
    await unwrap(tasks.create({ title: 'y' }))
  }
  await areFree()
})

t.test('it goes on when the access token expires, and ends when nobody is logged in any more', async (t) => {
  const ada = await member()
  const replica = replicaOf(ada)
  const tokens = await ada.kept()
  await replica.is('live')
  await replica.stop()
  const [, claims] = tokens.access_token.split('.')
  const { sub, sid } = JSON.parse(Buffer.from(claims!, 'base64url').toString()) as { sub: string, sid: string }
  const short = app.jwt.present.sign({ sub, sid, iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 2 })
  await ada.store.set({ ...tokens, access_token: short })
  const second = replicaOf(ada, { since: replica.position() })
  await second.is('live')
  await until('the tokens are new', async () => (await ada.kept()).access_token !== short, 20)
  await unwrap(ada.todo.tasks.create({ title: 'after' }))
  await second.equals()

  await unwrap(ada.todo.sessions.end((await unwrap(ada.todo.sessions.list())).sessions[0]!.id))
  t.match(await second.ended, { name: 'TodoApiError', status: 401 })
  t.equal(await ada.store.get(), null)
  await areFree()
  t.match(await createTodoClient({ baseUrl }).tasks.sync({ apply () {} }).catch((error: unknown) => error), { status: 401 })
})

t.test('it follows one person, also when somebody else logs in meanwhile', async (t) => {
  const ada = await member()
  const grace = await member()
  await unwrap(grace.todo.tasks.create({ title: "Grace's" }))
  const seen: unknown[] = []
  const ended = ada.todo.tasks.sync({ apply: (changes) => { seen.push(...changes) } }).catch((error: unknown) => error)
  await until('a stream is open', () => app.live.count() === 1, 20)
  await unwrap(ada.todo.sessions.endAll())
  await unwrap(ada.todo.logIn(grace.credentials))
  t.match(await ended, { name: 'TodoApiError', status: 401 })
  t.strictSame(seen, [])
  await areFree()
})

import { once } from 'node:events'
import { get } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { PASSWORD, startApp, type Person } from '../../helper.js'
import { logIn, refresh, watched } from '../../support/accounts.js'
import { cleanDatabase } from '../../support/database.js'
import { teardown } from '../../support/teardown.js'
import { until } from '../../support/until.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})
const asked = watched(database)
const { app, call, signUp, sql } = await startApp(t, { database: asked.database })
/** Of 250 bytes of JSON or 3,500: far more than a socket buffers. test/built/export.test.ts exports ten times as many. */
const TASKS = 10_000

/**
 * Gives somebody many tasks, of which each second has a text with quotes and owls. Five thousand at a time, since a statement has
 * two seconds.
 */
async function addMany ({ id }: Person, count: number): Promise<void> {
  for (let first = 1; first <= count; first += 5000) {
    await sql(`insert into todo.tasks (id, owner_id, title, description, created_at)
      select gen_random_uuid(), $1, 'Task ' || n, case when n % 2 = 0 then repeat('"🦉\\', 400) end, now() + n * interval '1 ms'
      from generate_series($2::int, $3::int) n`, [id, first, Math.min(first + 4999, count)])
  }
}

t.test('an export is the account with all its tasks, oldest first, as a file', async (t) => {
  const ada = await signUp()
  const added = [await ada.add('One'), await ada.add('Two', 'With a "text" 🦉')]
  await (await signUp('Eve')).add('Hers')
  const { status, headers, body } = await ada.call('GET', '/api/auth/me/export')
  t.equal(status, 200)
  t.match(body, { user: ada.user, tasks: added })
  t.strictSame([Object.keys(body), body.tasks.length], [['user', 'tasks'], 2])
  t.match(headers, {
    'content-type': 'application/json; charset=utf-8', 'content-disposition': 'attachment; filename="todo-export.json"', 'cache-control': 'no-store'
  })
  t.strictSame((await (await signUp('Bob')).call('GET', '/api/auth/me/export')).body.tasks, [])
  asked.names.length = 0
  const head = await ada.call('HEAD', '/api/auth/me/export')
  t.strictSame([head.status, head.text], [200, ''])
  t.notOk(asked.names.some((name) => name.startsWith('tasks')), 'HEAD reads no tasks')
})

t.test('an export of many tasks is whole and valid, and takes no memory for most of it', async (t) => {
  const ada = await signUp()
  await addMany(ada, TASKS)
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const ask = () => get({ port, path: '/api/auth/me/export', headers: { authorization: `Bearer ${ada.token}` } })
  const heap = () => { const { heapUsed, external } = process.memoryUsage(); return heapUsed + external }
  // What is kept, not what is only not collected yet.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = heap()
  let [bytes, chunks, tasks, most, tail] = [0, 0, 0, 0, '']
  const [answer] = await once(ask(), 'response')
  for await (const chunk of answer) {
    bytes += chunk.length
    const text = String(chunk)
    tasks += text.split('"is_completed"').length - 1
    tail = text.slice(-2)
    if (chunks++ % 50 > 0) continue
    collect()
    most = Math.max(most, heap() - before)
  }
  t.ok(tasks > TASKS * 0.999, 'all of them but those whose name is cut between two pieces')
  t.equal(tail, ']}')
  t.ok(bytes > TASKS * 200, `${bytes} bytes`)
  t.ok(most < bytes * 0.7, `${Math.round(most / 1e3)} KB more for ${Math.round(bytes / 1e3)} KB`)

  const whole = await ada.call('GET', '/api/auth/me/export')
  t.equal(whole.body.tasks.length, TASKS)
  t.equal(new Set(whole.body.tasks.map(({ id }: { id: string }) => id)).size, TASKS)
  const times = whole.body.tasks.map(({ created_at: time }: { created_at: string }) => time)
  t.strictSame(times, [...times].sort())

  asked.names.length = 0
  const request = ask()
  const [aborted] = await once(request, 'response')
  await once(aborted, 'data')
  request.destroy()
  request.on('error', () => {})
  aborted.on('error', () => {})
  await until('its place is free again', () => app.places.requests.count() === 0)
  const read = asked.names.length
  await ada.call('GET', '/api/auth/me')
  t.ok(asked.names.length < read + 5 && read < 80, `an aborted export stops reading (${read} pages)`)
})

/** Every table with a column that names a user. */
const tablesOfUsers = async () => (await sql<{ table: string, column: string }>(`
  select table_name as "table", column_name as "column" from information_schema.columns
  where table_schema = 'todo' and data_type = 'uuid' and (column_name in ('owner_id', 'user_id') or (table_name = 'users' and column_name = 'id'))`))

t.test('whoever leaves leaves nothing, in no table, while their other clients go on writing', async (t) => {
  for (let round = 0; round < 5; round++) {
    const ada = await signUp()
    const eve = await signUp('Eve')
    await eve.add('Hers')
    const task = await ada.add('One')
    const { refresh_token: token } = await logIn(call, ada.email)
    const tables = await tablesOfUsers()
    t.ok(tables.length >= 6, tables.map(({ table }) => table).join())
    const state = { isGone: false }
    const clients = Array.from({ length: 6 }, async (_, n) => {
      const statuses = new Set<number>()
      while (!state.isGone) {
        const { status } = n === 0
          ? await refresh(call, token)
          : n === 1
            ? await call('POST', '/api/auth/login', { body: { email: ada.email, password: PASSWORD } })
            : n % 2 ? await ada.call('PUT', `/api/tasks/${task.id}`, { body: { title: 'New' } }) : await ada.call('POST', '/api/tasks', { body: { title: 'More' } })
        statuses.add(status)
        // An answer without a statement would leave the loop no time to read what the database says.
        await new Promise((resolve) => { setImmediate(resolve) })
      }
      return statuses
    })
    t.equal((await ada.call('POST', '/api/auth/me/delete', { body: { password: 'wrong one' } })).status, 403)
    const { status, headers } = await ada.call('POST', '/api/auth/me/delete', { body: { password: PASSWORD } })
    t.strictSame([status, headers['clear-site-data']], [204, '"cache"'])
    state.isGone = true
    for (const statuses of await Promise.all(clients)) for (const status of statuses) t.ok([200, 201, 401].includes(status), `a client gets ${status}`)
    for (const { table, column } of tables) {
      t.strictSame(await sql(`select count(*)::int as n from todo.${table} where ${column} = $1`, [ada.id]), [{ n: 0 }], table)
    }
    t.equal((await ada.call('GET', '/api/tasks')).status, 401)
    t.equal((await call('POST', '/api/auth/signup', { body: { email: ada.email, password: PASSWORD, name: 'Ada' } })).status, 201, 'the email is free')
    t.equal((await eve.call('GET', '/api/tasks')).body.total, 1)
  }
})

t.test('a login that meets the deletion of its account is a wrong one', async (t) => {
  const ada = await signUp()
  const meeting = watched(database, { before: async (name) => { if (name === 'sessions.begin') await sql('delete from todo.users where id = $1', [ada.id]) } })
  const there = await startApp(t, { database: meeting.database })
  const { status } = await there.call('POST', '/api/auth/login', { body: { email: ada.email, password: PASSWORD } })
  t.equal(status, 401)
})

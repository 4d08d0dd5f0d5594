import type { Test } from 'tap'
import type { Database } from '../../src/db/database.js'
import { startApp, type Person } from '../helper.js'
import { sqlOn } from './database.js'

/** All that is in a database, but for the form of its lists of migrations. */
export async function contentOf (database: Database): Promise<unknown> {
  const tables = [
    'users', 'task_lists', 'tasks', 'task_changes', 'idempotency_keys', 'sessions', 'endings'
  ]
  const rows = async (table: string) => await sqlOn(database)(`select t::text as row from todo.${table} t order by 1`)
  return await Promise.all(tables.map(rows))
}

/** Somebody who has used everything: tasks that are done, changed and deleted, and keys. @returns what a client has */
export async function fill (ada: Person) {
  await ada.add('One', 'Zwei\nтри 四 🙂')
  const done = await ada.add('Two')
  const gone = await ada.add('Three')
  await ada.call('PATCH', `/api/tasks/${done.id}/complete`)
  await ada.call('DELETE', `/api/tasks/${gone.id}`)
  await ada.call('POST', '/api/tasks', { body: { title: 'Four' }, headers: { 'idempotency-key': 'a-key' } })
  return await stateOf(ada)
}

/** The list with its totals and its tag, which is made of the number of the newest change, and all that has changed. */
export async function stateOf (ada: Person) {
  const list = await ada.call('GET', '/api/tasks')
  const changes = await ada.call('GET', '/api/tasks/changes')
  return { list: list.body, tag: list.headers.etag, changes: changes.body }
}

type State = Awaited<ReturnType<typeof fill>>

/** What was there is there again, and numbers go on; what has come after the backup is undone, and clients are told so. */
export async function isRestored (t: Test, database: Database, ada: Person, before: State, later: string) {
  const { call } = await startApp(t, { database })
  const own: Person = { ...ada, call: async (method, url, options) => await call(method, url, { token: ada.token, ...options }) }
  t.strictSame(await stateOf(own), before)
  t.match(await own.call('POST', '/api/tasks', { body: { title: 'Four' }, headers: { 'idempotency-key': 'a-key' } }),
    { status: 201, headers: { 'idempotency-replayed': 'true' } })
  t.match(await own.call('GET', `/api/tasks/changes?since=${later}`), { status: 410 }, 'a client that has seen more begins anew')
  await own.call('POST', '/api/tasks', { body: { title: 'Five' } })
  const { body } = await own.call('GET', `/api/tasks/changes?since=${before.changes.next}`)
  t.match(body.changes, [{ task: { title: 'Five' } }], 'numbers go on')
  t.equal((await own.call('GET', '/api/tasks')).body.total, before.list.total + 1)
}

import { isDeepStrictEqual } from 'node:util'
import { PASSWORD, TASKS, emailOf, taskId, userId } from './data.js'
import type { Contender } from './contenders.js'

interface Task { id: string, title: string, is_completed: boolean, user_id: string, updated_at: string }

/** Those of version 1.0, which all have; the server has more. */
const MEMBERS = ['created_at', 'description', 'id', 'is_completed', 'title', 'updated_at', 'user_id']

/** A user whose tasks nothing else measures. */
export const CHECKED = 450

/**
 * Asks a contender for what will be measured, once, and compares the meaning of each answer.
 * @param token of user 450
 * @throws with everything that is not as it has to be
 */
export async function checkContract ({ name, base }: Contender, token: string): Promise<void> {
  const wrong: string[] = []
  const check = (what: string, is: unknown, has: unknown) => {
    if (!isDeepStrictEqual(is, has)) wrong.push(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(has)}`)
  }
  const call = async (method: string, path: string, body?: object, authorization = `Bearer ${token}`) => {
    const headers = { ...(authorization && { authorization }), ...(body && { 'content-type': 'application/json' }) }
    const answer = await fetch(base + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    const text = await answer.text()
    return { status: answer.status, location: answer.headers.get('location'), body: text ? JSON.parse(text) : null }
  }

  const { body: first, status } = await call('GET', '/api/tasks?limit=50')
  if (status !== 200) throw new Error(`${name} answers ${status} to a list: ${JSON.stringify(first)}`)
  check('total', [first.total, first.limit, first.offset], [TASKS, 50, 0])
  check('newest first', first.tasks.map(({ id }: Task) => id), Array.from({ length: 50 }, (_, n) => taskId(CHECKED, TASKS - n)))
  check('members', MEMBERS.filter((member) => member in first.tasks[0]), MEMBERS)
  check('owner', first.tasks.every((task: Task) => task.user_id === userId(CHECKED)), true)
  const { body: second } = await call('GET', `/api/tasks?limit=50&cursor=${first.next_cursor}`)
  check('by cursor', second.tasks.map(({ id }: Task) => id), Array.from({ length: 50 }, (_, n) => taskId(CHECKED, TASKS - 50 - n)))
  const { body: last } = await call('GET', '/api/tasks?limit=50&offset=980')
  check('last page', [last.tasks.length, last.next_cursor, last.total], [20, null, TASKS])

  const created = await call('POST', '/api/tasks', { title: 'Äpfel "1"', description: 'Grüße 👩‍👩‍👧' })
  const task: Task = created.body
  check('create', [created.status, created.location], [201, `/api/tasks/${task.id}`])
  check('new task', task, { ...task, title: 'Äpfel "1"', description: 'Grüße 👩‍👩‍👧', is_completed: false, user_id: userId(CHECKED) })
  check('total after create', (await call('GET', '/api/tasks?limit=1')).body.total, TASKS + 1)
  const path = `/api/tasks/${task.id}`
  check('get', await call('GET', path), { status: 200, location: null, body: task })
  const updated = await call('PUT', path, { title: 'New' })
  check('update', updated, { status: 200, location: null, body: { ...task, title: 'New', description: null, updated_at: updated.body.updated_at } })
  check('time goes on', Date.parse(updated.body.updated_at) > Date.parse(task.updated_at), true)
  check('complete', (await call('PATCH', `${path}/complete`, { is_completed: true })).body.is_completed, true)
  check('delete', await call('DELETE', path), { status: 204, location: null, body: null })
  check('gone', (await call('GET', path)).status, 404)
  check('total after delete', (await call('GET', '/api/tasks?limit=1')).body.total, TASKS)
  check('another user’s', [403, 404].includes((await call('GET', `/api/tasks/${taskId(CHECKED + 1, 1)}`)).status), true)

  check('no token', (await call('GET', '/api/tasks', undefined, '')).status, 401)
  check('forged token', (await call('GET', '/api/tasks', undefined, `Bearer ${token.slice(0, -3)}AAA`)).status, 401)
  const login = await call('POST', '/api/auth/login', { email: emailOf(CHECKED), password: PASSWORD }, '')
  check('login', [login.status, login.body.user?.id], [200, userId(CHECKED)])
  check('its token', (await call('GET', '/api/tasks?limit=1', undefined, `Bearer ${login.body.access_token}`)).status, 200)
  check('wrong password', (await call('POST', '/api/auth/login', { email: emailOf(CHECKED), password: 'wrong' }, '')).status, 401)
  if (name !== 'floor') {
    check('no title', (await call('POST', '/api/tasks', { title: '' })).status, 422)
    check('unknown member', (await call('POST', '/api/tasks', { title: 'x', colour: 'red' })).status, 422)
  }
  if (wrong.length > 0) throw new Error(`${name} does not keep the contract:\n  ${wrong.join('\n  ')}`)
}

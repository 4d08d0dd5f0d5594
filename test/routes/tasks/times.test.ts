import t from 'tap'
import type { Task } from '../../../src/schemas/tasks.js'
import { startApp, type Answer } from '../../helper.js'
import { mounts } from '../../support/tasks.js'

const { signUp, sql } = await startApp(t)
const ada = await signUp()

/** Milliseconds. */
const moved = (before: Task, after: Task) => Date.parse(after.updated_at) - Date.parse(before.updated_at)
const stateOf = async (id: string): Promise<Task> => (await ada.call('GET', `/api/tasks/${id}`)).body

/** Every way to change a task: with new content, and with none. */
const updates = (task: Task): Array<[string, () => Promise<Answer>]> => mounts.flatMap(({ mount, of }) => {
  const item = `${of(ada)}/${task.id}`
  const { title, description } = task
  return [
    [`PUT ${mount}`, async () => ada.call('PUT', item, { body: { title: 'New' } })],
    [`the same PUT ${mount}`, async () => ada.call('PUT', item, { body: { title: 'New' } })],
    [`PUT back ${mount}`, async () => ada.call('PUT', item, { body: { title, description } })],
    [`PATCH true ${mount}`, async () => ada.call('PATCH', `${item}/complete`, { body: { is_completed: true } })],
    [`the same PATCH ${mount}`, async () => ada.call('PATCH', `${item}/complete`, { body: { is_completed: true } })],
    [`PATCH without a body ${mount}`, async () => ada.call('PATCH', `${item}/complete`)]
  ]
})

t.test('every update moves updated_at forward by a millisecond or more, and created_at stays', async (t) => {
  const task = await ada.add('Watched')
  for (const start of ['now', '2100-01-01T00:00:00.000Z']) {
    if (start !== 'now') await sql('update todo.tasks set updated_at = $2 where id = $1', [task.id, start])
    let before = await stateOf(task.id)
    for (const [name, update] of updates(task)) {
      const { status, body: after } = await update()
      t.equal(status, 200, name)
      t.ok(moved(before, after) >= 1, `${name}: from ${before.updated_at} to ${after.updated_at}`)
      t.equal(after.created_at, task.created_at, name)
      t.equal((await stateOf(task.id)).updated_at, after.updated_at, `${name}: it is stored`)
      before = after
    }
    t.ok(start === 'now' || before.updated_at.startsWith('2100-01-01T00:00:00.0'), 'no further forward than needed')
  }
})

t.test('updated_at is the time of the update, however old the task is', async (t) => {
  const task = await ada.add('Old')
  for (const [name, update] of updates(task)) {
    await sql("update todo.tasks set created_at = '2001-01-01T00:00:00Z', updated_at = '2001-01-01T00:00:00Z' where id = $1", [task.id])
    const { body } = await update()
    t.ok(body.updated_at >= task.created_at, name)
    t.equal(body.created_at, '2001-01-01T00:00:00.000Z', name)
  }
})

t.test('thirty updates at once all succeed, one after another', async (t) => {
  const task = await ada.add('Popular')
  const urls = mounts.map(({ of }) => `${of(ada)}/${task.id}`)
  const answers = await Promise.all(Array.from({ length: 30 }, async (_, i) => i % 2
    ? ada.call('PATCH', `${urls[i % 4 > 1 ? 1 : 0]!}/complete`)
    : ada.call('PUT', urls[i % 4 > 1 ? 1 : 0]!, { body: { title: `Title ${i}` } })))
  t.ok(answers.every(({ status }) => status === 200))
  const states = answers.map(({ body }) => body as Task).sort((a, b) => a.updated_at < b.updated_at ? -1 : 1)
  t.equal(new Set(states.map((state) => state.updated_at)).size, 30, 'each has a time of its own')
  states.reduce((before, after) => {
    const flipped = before.is_completed !== after.is_completed
    const retitled = before.title !== after.title
    t.ok(moved(before, after) >= 1 && flipped !== retitled, `${after.updated_at} changes one thing in what was before it`)
    return after
  }, task)
  t.strictSame(await stateOf(task.id), states.at(-1), 'the last one is what stays')
})

t.test('times have milliseconds, also when these end in zeros', async (t) => {
  const task = await ada.add('Timely')
  for (const time of ['00.000', '00.100', '00.010', '00.120', '00.001', '59.999'].map((seconds) => `2026-01-06T10:30:${seconds}Z`)) {
    await sql('update todo.tasks set created_at = $2, updated_at = $2 where id = $1', [task.id, time])
    t.match(await stateOf(task.id), { created_at: time, updated_at: time })
    const { body } = await ada.call('GET', '/api/tasks?limit=100')
    t.match(body.tasks.find(({ id }: Task) => id === task.id), { created_at: time, updated_at: time }, `${time} in the list`)
  }
})

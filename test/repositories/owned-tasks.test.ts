import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Database } from '../../src/db/database.js'
import { ForeignAnswer } from '../../src/db/errors.js'
import { tasksOf, type OwnedTasks } from '../../src/repositories/owned-tasks.js'
import type { VersionedTask } from '../../src/repositories/task-row.js'
import type { Version } from '../../src/repositories/task-values.js'
import { usersIn } from '../../src/repositories/users.js'
import { cleanDatabase, sqlOn } from '../support/database.js'
import { teardown } from '../support/teardown.js'

const { database, drop } = await cleanDatabase()
teardown(t, async () => {
  await database.close()
  await drop()
})

const sql = sqlOn(database)

const signUp = async () => (await usersIn(database).create({ email: `${randomUUID()}@example.com`, name: 'Ada', hash: 'x' }))!.id
const person = async (): Promise<OwnedTasks> => tasksOf(database, await signUp())

const versionOf = ({ task, revision }: VersionedTask): Version => ({ revision, time: Date.parse(task.updated_at) })

/** The list's row as it is told, and what is in the journal. */
async function listOf (tasks: OwnedTasks) {
  const { revision, time, total } = (await tasks.list(1, 0))!
  return { revision, at: new Date(time).toISOString(), total }
}

const writes: Array<[name: string, write: (tasks: OwnedTasks, id: string, versions?: Version[]) => Promise<unknown>]> = [
  ['update', async (tasks, id, versions) => tasks.update(id, { title: 'New', description: null }, versions)],
  ['patch', async (tasks, id, versions) => tasks.patch(id, { title: 'New' }, versions)],
  ['complete', async (tasks, id, versions) => tasks.complete(id, null, versions)],
  ['remove', async (tasks, id, versions) => tasks.remove(id, versions)]
]

for (const [name, write] of writes) {
  t.test(`${name}: takes the next number, in a known state only where that is asked for`, async (t) => {
    const tasks = await person()
    const other = await person()
    const first = (await tasks.create({ title: 'Title', description: 'Text' }))!
    const second = (await tasks.update(first.task.id, { title: 'Title 2', description: 'Text' }))!
    const { id } = first.task
    const before = { found: await tasks.find(id), list: await listOf(tasks) }
    const known = versionOf(second)
    const wrong: Version[][] = [[], [versionOf(first)], [{ ...known, time: 0 }], [{ ...known, revision: 9 }],
      [versionOf(first), { ...known, time: known.time + 1 }]]
    for (const versions of wrong) t.equal(await write(tasks, id, versions), null, JSON.stringify(versions))
    t.strictSame(await tasks.explain(id, []), known, 'and it is told in which state the task is')
    await t.rejects(tasks.explain(id), new ForeignAnswer('tasks.miss'), 'which is no answer to who did not ask for a state')
    t.equal(await write(other, id, [versionOf(second)]), null, 'not even who knows its state changes the task of another')
    t.equal(await other.explain(id), 'foreign')
    t.strictSame({ found: await tasks.find(id), list: await listOf(tasks) }, before, 'nothing has changed')
    t.ok(await write(tasks, id, [versionOf(first), versionOf(second)]))
    t.equal((await listOf(tasks)).revision, 3)
    t.equal((await listOf(other)).revision, 0)
    if (name === 'remove') t.equal(await tasks.explain(id), 'absent')
    else t.match(await tasks.find(id), { revision: 3, task: { updated_at: (await listOf(tasks)).at } }, 'the task, its list and the change have one time')
  })
}

t.test('of many who change the same known state one does', async (t) => {
  const tasks = await person()
  const created = (await tasks.create({ title: 'Title', description: null }))!
  const { task: { id } } = created
  const patch = async (title: string) => tasks.patch(id, { title }, [versionOf(created)])
  const answers = await Promise.all(Array.from({ length: 20 }, async (_, n) => patch(`Title ${n}`)))
  t.equal(answers.filter(Boolean).length, 1)
  t.equal((await listOf(tasks)).revision, 2)
})

t.test('a patch changes what is given, an update all but a due date that is absent', async (t) => {
  const tasks = await person()
  const { task: { id } } = (await tasks.create({ title: 'Title', description: 'Text', dueDate: '2026-12-24' }))!
  const cases: Array<[change: () => Promise<VersionedTask | null>, state: object]> = [
    [async () => tasks.patch(id, {}), { title: 'Title', description: 'Text', due_date: '2026-12-24', is_completed: false }],
    [async () => tasks.patch(id, { title: 'New' }), { title: 'New', description: 'Text', due_date: '2026-12-24', is_completed: false }],
    [async () => tasks.patch(id, { completed: true }), { title: 'New', description: 'Text', is_completed: true }],
    [async () => tasks.patch(id, { description: null, completed: false }), { description: null, due_date: '2026-12-24', is_completed: false }],
    [async () => tasks.update(id, { title: 'Newer', description: 'x' }), { title: 'Newer', description: 'x', due_date: '2026-12-24' }],
    [async () => tasks.patch(id, { dueDate: null }), { title: 'Newer', due_date: null }],
    [async () => tasks.update(id, { title: 'a', description: null, dueDate: '0001-01-01' }), { description: null, due_date: '0001-01-01' }],
    [async () => tasks.update(id, { title: 'a', description: null, dueDate: null }), { due_date: null }]
  ]
  for (const [change, state] of cases) {
    t.match(await change(), { task: state }, JSON.stringify(state))
    t.match(await tasks.find(id), { task: state })
  }
  t.equal((await listOf(tasks)).revision, cases.length + 1, 'each is a change, also one that changes nothing')
})

t.test('a key creates one task, and gives the first answer again whatever became of it', async (t) => {
  const tasks = await person()
  const content = { title: 'Once', description: 'Text', dueDate: '2026-12-24' }
  const [first, ...others] = await Promise.all(Array.from({ length: 12 }, async () => tasks.createOnce('key', content))) as Array<VersionedTask & { replayed: boolean }>
  const all = [first!, ...others]
  t.equal(all.filter(({ replayed }) => !replayed).length, 1)
  const created = all.find(({ replayed }) => !replayed)!
  const repeat = { ...created, replayed: true }
  for (const answer of all) if (answer !== created) t.strictSame(answer, repeat)
  t.strictSame(await listOf(tasks), { revision: 1, at: created.task.created_at, total: 1 })

  await tasks.update(created.task.id, { title: 'New', description: null })
  t.strictSame(await tasks.createOnce('key', content), repeat)
  await tasks.remove(created.task.id)
  t.strictSame(await tasks.createOnce('key', content), repeat, 'also when it is deleted')
  for (const other of [{ ...content, title: 'once' }, { ...content, description: null }, { title: 'Once', description: 'Text' }]) {
    t.equal(await tasks.createOnce('key', other), 'another')
  }
  t.match(await tasks.createOnce('Key', content), { replayed: false }, 'case makes another key')
  t.match(await (await person()).createOnce('key', content), { replayed: false }, 'and so does another owner')
  t.match(await tasks.createOnce('bare', { title: 'a', description: null }), { replayed: false })
  t.match(await tasks.createOnce('bare', { title: 'a', description: null, dueDate: null }), { replayed: true }, 'absent is null')
})

t.test('a key that is swept away while it is asked for creates a task', async (t) => {
  const owner = await signUp()
  const content = { title: 'Once', description: null }
  await tasksOf(database, owner).createOnce('key', content)
  const sweeping: Database = {
    ...database,
    async run (statement, values) {
      const rows = await database.run(statement, values)
      if (statement.name === 'tasks.createOnce') await sql('delete from todo.idempotency_keys')
      return rows
    }
  }
  t.match(await tasksOf(sweeping, owner).createOnce('key', content), { replayed: false, revision: 2 })
})

t.test('an owner who is gone has no list, and gets no task', async (t) => {
  const tasks = tasksOf(database, randomUUID())
  t.equal(await tasks.list(1, 0), null)
  t.equal(await tasks.listAfter(1, { key: null, id: randomUUID() }), null)
  t.equal(await tasks.create({ title: 'a', description: null }), null)
  t.equal(await tasks.createOnce('key', { title: 'a', description: null }), null)
  t.equal(await tasks.update(randomUUID(), { title: 'a', description: null }), null)
  t.equal(await tasks.explain(randomUUID()), 'owner gone')
})

t.test('an owner who is there is never taken for gone, nor a task for absent, because an answer was lost', async (t) => {
  const owner = await signUp()
  const { task: { id } } = (await tasksOf(database, owner).create({ title: 'a', description: null }))!
  const lossy: Database = {
    ...database,
    run: async (statement, values) => statement.answersAlways ? await database.run(statement, values) : []
  }
  const tasks = tasksOf(lossy, owner)
  const questions: Array<() => Promise<unknown>> = [
    async () => tasks.list(1, 0), async () => tasks.create({ title: 'a', description: null }),
    async () => tasks.createOnce('key', { title: 'a', description: null }), async () => tasks.explain(id)
  ]
  for (const ask of questions) await t.rejects(ask() as Promise<null>, { constructor: ForeignAnswer, message: /another statement/ })
})

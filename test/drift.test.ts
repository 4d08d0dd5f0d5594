import { readFileSync } from 'node:fs'
import t from 'tap'
import { changesOf } from '../src/repositories/owned-changes.js'
import { tasksOf } from '../src/repositories/owned-tasks.js'
import { usersIn } from '../src/repositories/users.js'
import { LoginRequest, SignupRequest, User } from '../src/schemas/auth.js'
import { Task, TaskCreate, TaskPage, TaskPatch, TaskUpdate } from '../src/schemas/tasks.js'
import { startApp } from './helper.js'

const { db, signUp, sql } = await startApp(t)

interface Field { type: string | string[], format?: string, minLength?: number, maxLength?: number }
interface Component { $id?: string, properties: Record<string, Field>, required?: string[] }
interface Column { table: string, name: string, type: string, nullable: string, length: number | null, precision: number | null }

const document = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8')) as
  { components: { schemas: Record<string, Component> } }

const columns = await sql<Column>(`select table_name as table, column_name as name, data_type as type, is_nullable as nullable,
  character_maximum_length as length, datetime_precision as precision
  from information_schema.columns where table_schema = 'todo' order by ordinal_position`)

/** Which column a field of a component is. */
const columnOf = (table: string, field: string) =>
  columns.find((column) => column.table === table && column.name === (field === 'user_id' ? 'owner_id' : field))

/** Columns by the format or the type of a field; of all others, a text of limited length. */
const columnTypes: Record<string, string> = { uuid: 'uuid', 'date-time': 'timestamp with time zone', boolean: 'boolean', date: 'date' }

const stored = [
  { table: 'users', whole: User, written: [SignupRequest, LoginRequest], ownColumns: ['password_hash', 'password_version'] },
  { table: 'tasks', whole: Task, written: [TaskCreate, TaskUpdate, TaskPatch], ownColumns: ['revision', 'search'] }
]

t.test('a component, its column and its place in the documents agree on type, length and null', async (t) => {
  for (const { table, whole, written } of stored) {
    for (const component of [whole, ...written] as Component[]) {
      const documented = document.components.schemas[component.$id!]!
      t.strictSame(Object.keys(documented.properties), Object.keys(component.properties), `fields of ${component.$id}`)
      t.strictSame(documented.required, component.required, `required in ${component.$id}`)
      for (const [name, { type, format, minLength, maxLength }] of Object.entries(component.properties)) {
        const field = `${component.$id}.${name}`
        const { type: saidType, format: saidFormat, minLength: saidMin, maxLength: saidMax } = documented.properties[name]!
        t.strictSame([saidType, saidFormat, saidMin, saidMax], [type, format, minLength, maxLength], `${field} in the documents`)
        // The password is no column: only its hash is.
        if (name === 'password') continue
        const column = columnOf(table, name)!
        t.equal(column.type, columnTypes[format ?? ''] ?? columnTypes[String(type)] ?? 'character varying', `type of ${field}`)
        t.equal(column.length, maxLength ?? null, `length of ${field}`)
        t.equal(column.nullable, [type].flat().includes('null') ? 'YES' : 'NO', `null in ${field}`)
        if (format === 'date-time') t.equal(column.precision, 3, `${field} has the milliseconds that are shown`)
      }
    }
  }
})

t.test('a table has no column that the contract does not know, but the hash, and what tasks are numbered, found and sorted by', async (t) => {
  for (const { table, whole, ownColumns } of stored) {
    const fields = Object.keys(whole.properties).map((name) => columnOf(table, name)?.name)
    const present = columns.filter((column) => column.table === table).map(({ name }) => name)
    t.strictSame(present.sort(), [...fields, ...ownColumns].sort())
  }
})

t.test('what the repositories return has the fields of the contract, no more and no less', async (t) => {
  const { id, email } = await signUp()
  const users = usersIn(db)
  const found = await users.findLogin(email)
  const created = await users.create({ email: 'grace@example.com', name: 'Grace', hash: 'x' })
  for (const user of [await users.find(id), found!.user, created]) {
    t.strictSame(Object.keys(user!).sort(), Object.keys(User.properties).sort())
  }

  const tasks = tasksOf(db, id)
  const { task } = (await tasks.create({ title: 'Title', description: null }))!
  const last = { key: '2999-01-01T00:00:00.000Z', id }
  const changes = changesOf(db, id)
  const begin = (await changes.newest())!
  await tasks.create({ title: 'Changed', description: null })
  const rows = [
    task,
    (await tasks.createOnce('key', { title: 'Title', description: null }) as { task: Task }).task,
    (await tasks.createOnce('key', { title: 'Title', description: null }) as { task: Task }).task,
    (await tasks.find(task.id))!.task,
    (await tasks.update(task.id, { title: 'New', description: 'Text' }))!.task,
    (await tasks.patch(task.id, {}))!.task,
    (await tasks.complete(task.id, null))!.task,
    (await tasks.list(1, 0))!.tasks[0],
    (await tasks.list(1, 0, { completed: true }))!.tasks[0],
    (await tasks.listAfter(1, last))!.tasks[0],
    (await tasks.listAfter(1, last, { completed: true }))!.tasks[0],
    (await changes.after(begin, 1))!.changes[0]!.task as Task
  ]
  for (const row of rows) t.strictSame(Object.keys(row!).sort(), Object.keys(Task.properties).sort())
  t.strictSame(document.components.schemas.TaskPage!.required, TaskPage.required)
  t.strictSame(Object.keys(document.components.schemas.TaskPage!.properties), Object.keys(TaskPage.properties))
})

t.test('the database refuses by itself what the schemas refuse', async (t) => {
  const { id: owner, email: taken } = await signUp()
  const user = 'insert into todo.users (id, email, name, password_hash) values (gen_random_uuid(), $1, $2, $3)'
  const task = 'insert into todo.tasks (id, owner_id, title, description) values (gen_random_uuid(), $1, $2, $3)'
  // A letter of two UTF-16 units counts once.
  const wide = (n: number) => '🦉'.repeat(n)
  const longest = (component: object, field: string) => (component as Component).properties[field]!.maxLength!
  const [emailMax, nameMax] = [longest(User, 'email'), longest(User, 'name')]
  const [titleMax, textMax] = [longest(Task, 'title'), longest(Task, 'description')]

  const good: Array<[name: string, text: string, values: unknown[]]> = [
    ['the longest account', user, ['x'.repeat(emailMax), wide(nameMax), 'x']],
    ['the longest task', task, [owner, wide(titleMax), wide(textMax)]],
    ['the shortest task', task, [owner, 'x', null]]
  ]
  for (const [name, text, values] of good) await t.resolves(sql(text, values), name)

  const bad: Array<[name: string, text: string, values: unknown[], why: RegExp]> = [
    ['an email that is too long', user, ['x'.repeat(emailMax + 1), 'Ada', 'x'], /22001/],
    ['an email with an upper-case letter', user, ['Ada@example.com', 'Ada', 'x'], /23514/],
    ['no email', user, [null, 'Ada', 'x'], /23502 \(users, email/],
    ['a taken email', user, [taken, 'Ada', 'x'], /unique/],
    ['a name that is too long', user, ['a@example.com', wide(nameMax + 1), 'x'], /22001/],
    ['an empty name', user, ['a@example.com', '', 'x'], /23514/],
    ['no name', user, ['a@example.com', null, 'x'], /23502 \(users, name/],
    ['no hash', user, ['a@example.com', 'Ada', null], /23502 \(users, password_hash/],
    ['a title that is too long', task, [owner, wide(titleMax + 1), null], /22001/],
    ['an empty title', task, [owner, '', null], /23514/],
    ['no title', task, [owner, null, null], /23502 \(tasks, title/],
    ['a description that is too long', task, [owner, 'x', wide(textMax + 1)], /22001/],
    ['no owner', task, [null, 'x', null], /23502 \(tasks, owner_id/],
    ['an owner who does not exist', task, ['00000000-0000-7000-8000-000000000000', 'x', null], /foreign key/]
  ]
  for (const [name, text, values, message] of bad) await t.rejects(sql(text, values), { message }, name)
  for (const column of ['is_completed', 'created_at', 'updated_at']) {
    await t.rejects(sql(`update todo.tasks set ${column} = null where owner_id = $1`, [owner]), { message: /23502/ }, `no ${column}`)
  }
  await sql('delete from todo.users where id = $1', [owner])
  t.strictSame(await sql('select count(*)::int as n from todo.tasks where owner_id = $1', [owner]), [{ n: 0 }], 'a deleted account takes its tasks along')
})

import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { ForeignAnswer } from '../../src/db/errors.js'
import { build, checked, prepare, prepareSql } from '../../src/db/statement.js'
import { tasks } from '../../src/db/tables.js'

const { placeholder } = sql

t.test('a statement is the SQL that Drizzle writes, and binds values by name in the order of the SQL', async (t) => {
  const statement = prepare('tasks.test', build.select({ id: tasks.id }).from(tasks)
    .where(sql`${eq(tasks.title, placeholder('title'))} and ${tasks.description} = ${'fixed'} and ${tasks.ownerId} = ${placeholder('owner')}`)
    .limit(placeholder('limit')), { id: 'owner' })
  t.equal(statement.name, 'tasks.test')
  t.equal(statement.text,
    'select "id" from "todo"."tasks" where "todo"."tasks"."title" = $1 and "todo"."tasks"."description" = $2 ' +
    'and "todo"."tasks"."owner_id" = $3 limit $4')
  t.strictSame(statement.bind({ limit: 3, owner: 'o', title: 't', other: 'never asked for' }), ['t', 'fixed', 'o', 3])
  t.strictSame(statement.bind({ limit: 0, owner: null, title: '' }), ['', 'fixed', null, 0], 'each time anew')
})

t.test('a placeholder in a column of an insert, and a default, are bound as well', async (t) => {
  const { text, bind } = prepare('tasks.test', build.insert(tasks).values({
    id: placeholder('id'), ownerId: placeholder('owner'), title: 'fixed', isCompleted: true
  }).returning({ id: tasks.id }), { id: 'id' })
  t.match(text, /^insert into "todo"."tasks" \(.+\) values \(\$1, \$2, \$3, default, \$4(, default){4}\) returning "id"$/)
  t.strictSame(bind({ owner: 'o', id: 'i' }), ['i', 'o', 'fixed', true])
})

t.test('a statement that does not say whose its rows are is refused when it is written', async (t) => {
  const query = build.select({ id: tasks.id, owner: tasks.ownerId }).from(tasks).where(eq(tasks.ownerId, placeholder('owner')))
  t.throws(() => prepare('tasks.test', query, {}), new Error('tasks.test does not say whose its rows are'))
  t.throws(() => prepare('tasks.test', query, { owner: 'ownerId' }), { message: /does not say/ }, 'by a value that it has')
  t.doesNotThrow(() => prepare('tasks.test', query, { owner: 'owner' }))
})

t.test('rows that are not what was asked for reach nobody', async (t) => {
  const query = build.select({ id: tasks.id, owner: tasks.ownerId, is_completed: tasks.isCompleted }).from(tasks)
    .where(sql`${eq(tasks.ownerId, placeholder('owner'))} and ${eq(tasks.isCompleted, placeholder('completed'))}`)
  const echo = { owner: 'owner', is_completed: 'completed' }
  const statement = prepare('tasks.test', query, echo)
  const asked = { owner: 'ada', completed: true }
  const right = { id: '1', owner: 'ada', is_completed: true }
  const refused = new ForeignAnswer('tasks.test')
  for (const rows of [[], [right], [right, { ...right, owner: 'ADA' }]]) t.equal(checked(statement, asked, rows), rows)
  t.doesNotThrow(() => checked(statement, { ...asked, completed: null }, [right]), 'null asks for nothing')
  for (const [what, row] of [
    ['of another', { ...right, owner: 'eve' }],
    ['of nobody', { ...right, owner: null }],
    ['of another kind', { id: '1' }],
    ['of another state', { ...right, is_completed: false }],
    ['as text', { ...right, is_completed: 'true' }],
    ['missing', undefined]
  ] as const) t.throws(() => checked(statement, asked, [right, row as typeof right]), refused, what)
  // What postgres.js leaves behind when it counts the rows of another answer too.
  const holes = [right]
  holes[2] = right
  t.throws(() => checked(statement, asked, holes), refused, 'between holes')
  t.throws(() => checked(prepare('tasks.test', query, echo, { answersAlways: true }), asked, []), refused, 'none where there always is one')
})

t.test('a placeholder that comes again is sent once', async (t) => {
  const owner = placeholder('owner')
  const { name, text, bind } = prepareSql('tasks.test', sql<{ owner: string }>`select ${owner}::uuid as owner, ${placeholder('id')},
    ${'fixed'}, ${owner}::uuid, ${'fixed'}`, { owner: 'owner' })
  t.equal(name, 'tasks.test')
  t.equal(text.replaceAll(/\s+/g, ' '), 'select $1::uuid as owner, $2, $3, $1::uuid, $4')
  t.strictSame(bind({ owner: 'o', id: 'i' }), ['o', 'i', 'fixed', 'fixed'])
})

t.test('the builder never runs anything', async (t) => {
  await t.rejects(build.select({ id: tasks.id }).from(tasks), { cause: { message: 'only builds statements' } })
})

import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { build, prepare } from '../../src/db/statement.js'
import { tasks } from '../../src/db/tables.js'

const { placeholder } = sql

t.test('a statement is the SQL that Drizzle writes, and binds values by name in the order of the SQL', async (t) => {
  const statement = prepare('tasks.test', build.select({ id: tasks.id }).from(tasks)
    .where(sql`${eq(tasks.title, placeholder('title'))} and ${tasks.description} = ${'fixed'} and ${tasks.ownerId} = ${placeholder('owner')}`)
    .limit(placeholder('limit')))
  t.equal(statement.name, 'tasks.test')
  t.equal(statement.text,
    'select "id" from "tasks" where "tasks"."title" = $1 and "tasks"."description" = $2 and "tasks"."owner_id" = $3 limit $4')
  t.strictSame(statement.bind({ limit: 3, owner: 'o', title: 't', other: 'never asked for' }), ['t', 'fixed', 'o', 3])
  t.strictSame(statement.bind({ limit: 0, owner: null, title: '' }), ['', 'fixed', null, 0], 'each time anew')
})

t.test('a placeholder in a column of an insert, and a default, are bound as well', async (t) => {
  const { text, bind } = prepare('tasks.test', build.insert(tasks).values({
    id: placeholder('id'), ownerId: placeholder('owner'), title: 'fixed', isCompleted: true
  }).returning({ id: tasks.id }))
  t.match(text, /^insert into "tasks" \(.+\) values \(\$1, \$2, \$3, default, \$4, default, default\) returning "id"$/)
  t.strictSame(bind({ owner: 'o', id: 'i' }), ['i', 'o', 'fixed', true])
})

t.test('the builder never runs anything', async (t) => {
  await t.rejects(build.select({ id: tasks.id }).from(tasks), { cause: { message: 'only builds statements' } })
})

import fastifyJwt from '@fastify/jwt'
import argon2 from 'argon2'
import { and, desc, eq, getTableColumns, sql } from 'drizzle-orm'
import { bigint, boolean, integer as int, pgSchema, text, timestamp, uuid, varchar } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/postgres-js'
import Fastify from 'fastify'
import postgres from 'postgres'
import { v7 as uuidv7 } from 'uuid'

const { PORT, DATABASE_URL, POOL_SIZE, SECRET_KEY } = process.env
const issuer = 'todo-backend'

const time = (name) => timestamp(name, { precision: 3, withTimezone: true }).notNull().defaultNow()

const todo = pgSchema('todo')

const users = todo.table('users', {
  id: uuid().primaryKey(), email: varchar().notNull(), name: varchar().notNull(), password_hash: text().notNull(), created_at: time('created_at')
})

const lists = todo.table('task_lists', {
  owner_id: uuid().primaryKey(), revision: bigint({ mode: 'number' }).notNull(), changed_at: time('changed_at'), open: int().notNull(), done: int().notNull()
})

const changes = todo.table('task_changes', {
  owner_id: uuid().notNull(), revision: bigint({ mode: 'number' }).notNull(), task_id: uuid(), changed_at: time('changed_at')
})

const tasks = todo.table('tasks', {
  id: uuid().primaryKey(),
  user_id: uuid('owner_id').notNull(),
  title: varchar().notNull(),
  description: varchar(),
  is_completed: boolean().notNull().default(false),
  created_at: time('created_at'),
  updated_at: time('updated_at'),
  revision: bigint({ mode: 'number' }).notNull().default(0)
})

const db = drizzle(postgres(DATABASE_URL, { max: Number(POOL_SIZE) }))

const text_ = { type: 'string' }
const nullable = { type: ['string', 'null'], maxLength: 2000 }
const Task = {
  type: 'object',
  properties: {
    id: text_,
    title: text_,
    description: nullable,
    is_completed: { type: 'boolean' },
    user_id: text_,
    created_at: { type: 'string', format: 'date-time' },
    updated_at: { type: 'string', format: 'date-time' }
  }
}
const integer = { type: 'integer', minimum: 0 }
const TaskPage = {
  type: 'object',
  properties: {
    tasks: { type: 'array', items: Task }, total: integer, limit: integer, offset: integer, next_cursor: nullable
  }
}
const strict = { type: 'object', additionalProperties: false }
const Content = {
  ...strict, required: ['title'], properties: { title: { type: 'string', minLength: 1, maxLength: 200 }, description: nullable }
}
const Completion = { ...strict, required: ['is_completed'], properties: { is_completed: { type: 'boolean' } } }
const Query = {
  ...strict, properties: { limit: { type: 'integer', minimum: 1, maximum: 100, default: 50 }, offset: integer, cursor: text_ }
}
const Path = { type: 'object', properties: { id: { type: 'string', format: 'uuid' } } }
const Login = { ...strict, required: ['email', 'password'], properties: { email: text_, password: text_ } }

const app = Fastify({ ajv: { customOptions: { coerceTypes: true, removeAdditional: false } } })
await app.register(fastifyJwt, {
  secret: SECRET_KEY,
  sign: { iss: issuer, aud: issuer, expiresIn: '30m' },
  verify: { algorithms: ['HS256'], allowedIss: issuer, allowedAud: issuer }
})

app.setErrorHandler((error, _request, reply) => {
  const status = error.validation ? 422 : error.statusCode ?? 500
  return reply.code(status).send({ detail: error.message, status_code: status })
})

const failed = (statusCode, message) => Object.assign(new Error(message), { statusCode })

app.post('/api/auth/login', { schema: { body: Login } }, async (request) => {
  const { email, password } = request.body
  const [user] = await db.select().from(users).where(eq(users.email, email))
  if (!user || !await argon2.verify(user.password_hash, password)) throw failed(401, 'Invalid email or password')
  const { password_hash: hash, ...shown } = user
  return { access_token: app.jwt.sign({ sub: user.id, email }), token_type: 'bearer', expires_in: 1800, user: shown }
})

const cursorOf = ({ created_at: createdAt, id }) => Buffer.from(`${createdAt.toISOString()}|${id}`).toString('base64url')

// A write is one statement: it locks the owner's list, takes the next number, and writes list, journal and task.
const numbered = { revision: sql`revision`.as('revision') }
const journal = db.$with('journal', numbered).as(sql`
  insert into ${changes} (owner_id, revision, task_id, changed_at) select owner_id, revision, id, touched from change`)
const moved = sql`open = list.open + task.is_completed::int - task.next::int, done = list.done - task.is_completed::int + task.next::int`
const removed = sql`open = list.open - (not task.is_completed)::int, done = list.done - task.is_completed::int`
const change = ({ params: { id }, user: { sub } }, next, totals = moved) => db.$with('change', numbered).as(sql`
  with locked as materialized (select owner_id, changed_at from ${lists} where owner_id = ${sub} for update),
    task as materialized (
      select t.id, t.is_completed, ${next} as next, greatest(now(), locked.changed_at, t.updated_at + interval '1 millisecond') as touched
      from ${tasks} t, locked where t.owner_id = locked.owner_id and t.id = ${id} for update of t)
  update ${lists} list set revision = list.revision + 1, changed_at = task.touched, ${totals}
  from task where list.owner_id = ${sub} returning list.owner_id, list.revision, task.id, task.next, task.touched`)
const creation = (id, owner) => db.$with('change', numbered).as(sql`
  update ${lists} set revision = revision + 1, open = open + 1, changed_at = greatest(now(), changed_at)
  where owner_id = ${owner} returning owner_id, revision, ${id}::uuid as id, changed_at as touched`)
const columns = getTableColumns(tasks)
const found = ([task]) => {
  if (!task) throw failed(404, 'Task not found')
  return task
}

await app.register(async (scope) => {
  scope.addHook('onRequest', async (request) => { await request.jwtVerify() })
  const mine = (request) => and(eq(tasks.id, request.params.id), eq(tasks.user_id, request.user.sub))

  const rewrite = (request, next, content) => {
    const changed = change(request, next)
    return db.with(changed, journal).update(tasks)
      .set({ ...content, is_completed: sql`change.next`, updated_at: sql`change.touched`, revision: sql`change.revision` })
      .from(changed).where(and(mine(request), sql`change.id = ${tasks.id}`)).returning(columns)
  }

  scope.get('/', { schema: { querystring: Query, response: { 200: TaskPage } } }, async (request) => {
    const { limit, offset = 0, cursor } = request.query
    const owned = eq(tasks.user_id, request.user.sub)
    if (cursor !== undefined) {
      const [at, id] = Buffer.from(cursor, 'base64url').toString().split('|')
      const rows = await db.select().from(tasks).where(and(owned, sql`(${tasks.created_at}, ${tasks.id}) < (${at}, ${id})`))
        .orderBy(desc(tasks.created_at), desc(tasks.id)).limit(limit + 1)
      const shown = rows.slice(0, limit)
      return { tasks: shown, limit, next_cursor: rows.length > limit ? cursorOf(shown.at(-1)) : null }
    }
    const [rows, [{ total }]] = await Promise.all([
      db.select().from(tasks).where(owned).orderBy(desc(tasks.created_at), desc(tasks.id)).limit(limit + 1).offset(offset),
      db.select({ total: sql`${lists.open} + ${lists.done}` }).from(lists).where(eq(lists.owner_id, request.user.sub))
    ])
    const shown = rows.slice(0, limit)
    return { tasks: shown, total, limit, offset, next_cursor: rows.length > limit ? cursorOf(shown.at(-1)) : null }
  })

  scope.post('/', { schema: { body: Content, response: { 201: Task } } }, async (request, reply) => {
    const { title, description = null } = request.body
    const made = creation(uuidv7(), request.user.sub)
    const [task] = await db.with(made, journal).insert(tasks).select(sql`
      select id, owner_id, ${title}::varchar, ${description}::varchar, false, touched, touched, revision from change`).returning()
    return reply.code(201).header('location', `/api/tasks/${task.id}`).send(task)
  })

  const item = { params: Path, response: { 200: Task } }

  scope.get('/:id', { schema: item }, async (request) => found(await db.select().from(tasks).where(mine(request))))

  scope.put('/:id', { schema: { ...item, body: Content } }, async (request) => {
    const { title, description = null } = request.body
    return found(await rewrite(request, sql`t.is_completed`, { title, description }))
  })

  scope.patch('/:id/complete', { schema: { ...item, body: Completion } }, async (request) =>
    found(await rewrite(request, sql`${request.body.is_completed}::boolean`, {})))

  scope.delete('/:id', { schema: { params: Path } }, async (request, reply) => {
    const gone = change(request, sql`false`, removed)
    found(await db.with(gone, journal).delete(tasks).where(and(mine(request), sql`${tasks.id} in (select id from change)`)).returning({ id: tasks.id }))
    return reply.code(204).send()
  })
}, { prefix: '/api/tasks' })

await app.listen({ port: Number(PORT), host: '127.0.0.1' })

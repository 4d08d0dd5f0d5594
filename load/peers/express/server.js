import argon2 from 'argon2'
import express from 'express'
import jwt from 'jsonwebtoken'
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'

const { PORT, DATABASE_URL, POOL_SIZE, SECRET_KEY } = process.env
const issuer = 'todo-backend'

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(POOL_SIZE) })

const columnsOf = (table) => ['id', 'title', 'description', 'is_completed', 'owner_id as user_id', 'created_at', 'updated_at']
  .map((column) => `${table}.${column}`).join(', ')
const columns = columnsOf('tasks')
// A write is one statement: it locks the owner's list, takes the next number, and writes list, journal and task.
const moved = 'open = list.open + task.is_completed::int - task.next::int, done = list.done - task.is_completed::int + task.next::int'
const change = (next, totals = moved) => `
  with change as (
    with locked as materialized (select owner_id, changed_at from todo.task_lists where owner_id = $1 for update),
      task as materialized (
        select t.id, t.is_completed, ${next} as next, greatest(now(), locked.changed_at, t.updated_at + interval '1 millisecond') as touched
        from todo.tasks t, locked where t.owner_id = locked.owner_id and t.id = $2 for update of t)
    update todo.task_lists list set revision = list.revision + 1, changed_at = task.touched, ${totals}
    from task where list.owner_id = $1 returning list.owner_id, list.revision, task.id, task.next, task.touched),
  journal as (
    insert into todo.task_changes (owner_id, revision, task_id, changed_at) select owner_id, revision, id, touched from change)`
const rewrite = (next, content = '') => `${change(next)}
  update todo.tasks t set ${content} is_completed = change.next, updated_at = change.touched, revision = change.revision
  from change where t.owner_id = $1 and t.id = $2 and change.id = t.id returning ${columnsOf('t')}`
const CREATE = `
  with change as (
    update todo.task_lists set revision = revision + 1, open = open + 1, changed_at = greatest(now(), changed_at)
    where owner_id = $1 returning owner_id, revision, changed_at),
  journal as (
    insert into todo.task_changes (owner_id, revision, task_id, changed_at) select owner_id, revision, $2, changed_at from change)
  insert into todo.tasks (owner_id, id, title, description, created_at, updated_at, revision)
  select owner_id, $2, $3, $4, changed_at, changed_at, revision from change returning ${columns}`

const Login = z.strictObject({ email: z.email().max(255), password: z.string().max(1024) })
const Content = z.strictObject({ title: z.string().min(1).max(200), description: z.string().max(2000).nullish() })
const Completion = z.strictObject({ is_completed: z.boolean() })
const Path = z.object({ id: z.uuid() })
const Query = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  offset: z.coerce.number().int().min(0).default(0),
  cursor: z.string().optional()
})

const app = express()
app.use(express.json())

app.post('/api/auth/login', async (req, res) => {
  const { email, password } = Login.parse(req.body)
  const { rows: [user] } = await pool.query('select id, email, name, password_hash, created_at from todo.users where email = $1', [email])
  if (!user || !await argon2.verify(user.password_hash, password)) {
    return res.status(401).json({ detail: 'Invalid email or password', status_code: 401 })
  }
  const { password_hash: hash, ...shown } = user
  const token = jwt.sign({ email }, SECRET_KEY, { subject: user.id, issuer, audience: issuer, expiresIn: 1800 })
  res.json({ access_token: token, token_type: 'bearer', expires_in: 1800, user: shown })
})

const tasks = express.Router()

tasks.use((req, res, next) => {
  try {
    const token = req.get('authorization')?.split(' ')[1] ?? ''
    req.owner = jwt.verify(token, SECRET_KEY, { algorithms: ['HS256'], issuer, audience: issuer }).sub
    next()
  } catch {
    res.status(401).json({ detail: 'Invalid authentication credentials', status_code: 401 })
  }
})

const cursorOf = ({ created_at: createdAt, id }) => Buffer.from(`${createdAt.toISOString()}|${id}`).toString('base64url')

tasks.get('/', async (req, res) => {
  const { limit, offset, cursor } = Query.parse(req.query)
  if (cursor !== undefined) {
    const [time, id] = Buffer.from(cursor, 'base64url').toString().split('|')
    const { rows } = await pool.query(`select ${columns} from todo.tasks where owner_id = $1 and (created_at, id) < ($2, $3)
      order by created_at desc, id desc limit $4`, [req.owner, time, id, limit + 1])
    const shown = rows.slice(0, limit)
    return res.json({ tasks: shown, limit, next_cursor: rows.length > limit ? cursorOf(shown.at(-1)) : null })
  }
  const [{ rows }, { rows: [{ total }] }] = await Promise.all([
    pool.query(`select ${columns} from todo.tasks where owner_id = $1 order by created_at desc, id desc limit $2 offset $3`,
      [req.owner, limit + 1, offset]),
    pool.query('select open + done as total from todo.task_lists where owner_id = $1', [req.owner])
  ])
  const shown = rows.slice(0, limit)
  res.json({ tasks: shown, total, limit, offset, next_cursor: rows.length > limit ? cursorOf(shown.at(-1)) : null })
})

tasks.post('/', async (req, res) => {
  const { title, description = null } = Content.parse(req.body)
  const { rows: [task] } = await pool.query(CREATE, [req.owner, uuidv7(), title, description])
  res.status(201).location(`/api/tasks/${task.id}`).json(task)
})

const answer = (res, { rows: [task] }) =>
  task ? res.json(task) : res.status(404).json({ detail: 'Task not found', status_code: 404 })

tasks.get('/:id', async (req, res) => {
  const { id } = Path.parse(req.params)
  answer(res, await pool.query(`select ${columns} from todo.tasks where id = $1 and owner_id = $2`, [id, req.owner]))
})

tasks.put('/:id', async (req, res) => {
  const { id } = Path.parse(req.params)
  const { title, description = null } = Content.parse(req.body)
  answer(res, await pool.query(rewrite('t.is_completed', 'title = $3, description = $4,'), [req.owner, id, title, description]))
})

tasks.patch('/:id/complete', async (req, res) => {
  const { id } = Path.parse(req.params)
  const { is_completed: completed } = Completion.parse(req.body)
  answer(res, await pool.query(rewrite('$3::boolean'), [req.owner, id, completed]))
})

tasks.delete('/:id', async (req, res) => {
  const { id } = Path.parse(req.params)
  const removed = 'open = list.open - (not task.is_completed)::int, done = list.done - task.is_completed::int'
  const { rowCount } = await pool.query(`${change('false', removed)}
    delete from todo.tasks t using change where t.owner_id = $1 and t.id = $2 and change.id = t.id`, [req.owner, id])
  if (rowCount === 0) return answer(res, { rows: [] })
  res.status(204).end()
})

app.use('/api/tasks', tasks)

app.use((error, _req, res, _next) => {
  const status = error instanceof z.ZodError ? 422 : error.status ?? 500
  res.status(status).json({ detail: status === 422 ? error.issues : error.message, status_code: status })
})

app.listen(Number(PORT), '127.0.0.1')

import { createHmac, timingSafeEqual } from 'node:crypto'
import http from 'node:http'
import argon2 from 'argon2'
import postgres from 'postgres'
import { v7 as uuidv7 } from 'uuid'

// No framework, no validation, no log: what is left when only the work itself is done, with every trick of the server's.

const { PORT, DATABASE_URL, POOL_SIZE, SECRET_KEY } = process.env
const issuer = 'todo-backend'

const isoTime = (text) => `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0')}Z`

const sql = postgres(DATABASE_URL, {
  max: Number(POOL_SIZE),
  fetch_types: false,
  types: { time: { to: 1184, from: [1184], serialize: String, parse: isoTime } },
  connection: { TimeZone: 'UTC' }
})
const run = (text, values) => sql.unsafe(text, values, { prepare: true })

const columnsOf = (table) => ['id', 'title', 'description', 'is_completed', 'owner_id as user_id', 'created_at', 'updated_at']
  .map((column) => `${table}.${column}`).join(', ')
const columns = columnsOf('tasks')
const LIST = `select ${columns}, (select open + done from todo.task_lists where owner_id = $1) as total
  from todo.tasks where owner_id = $1 order by created_at desc, id desc limit $2 offset $3`
const LIST_AFTER = `select ${columns} from todo.tasks where owner_id = $1 and (created_at, id) < ($2, $3)
  order by created_at desc, id desc limit $4`
const FIND = `select ${columns} from todo.tasks where owner_id = $1 and id = $2`
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
const UPDATE = rewrite('t.is_completed', 'title = $3, description = $4,')
const COMPLETE = rewrite('$3::boolean')
const REMOVE = `${change('false', 'open = list.open - (not task.is_completed)::int, done = list.done - task.is_completed::int')}
  delete from todo.tasks t using change where t.owner_id = $1 and t.id = $2 and change.id = t.id returning t.id`
const LOGIN = 'select id, email, name, created_at, password_hash from todo.users where email = $1'

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const signatureOf = (content) => createHmac('sha256', SECRET_KEY).update(content).digest('base64url')

function issue ({ id, email }) {
  const iat = Math.floor(Date.now() / 1000)
  const claims = { sub: id, email, iss: issuer, aud: issuer, iat, exp: iat + 1800 }
  const content = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`
  return `${content}.${signatureOf(content)}`
}

const known = new Map()

function ownerOf ({ headers: { authorization = '' } }) {
  const claims = known.get(authorization) ?? verified(authorization)
  return claims && Date.now() < claims.exp * 1000 ? claims.sub : null
}

function verified (authorization) {
  const token = authorization.slice('Bearer '.length)
  const end = token.lastIndexOf('.')
  const given = Buffer.from(token.slice(end + 1))
  const right = Buffer.from(signatureOf(token.slice(0, Math.max(end, 0))))
  if (given.length !== right.length || !timingSafeEqual(given, right)) return null
  const [header, payload] = token.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')))
  if (header.alg !== 'HS256' || payload.iss !== issuer || payload.aud !== issuer) return null
  if (known.size >= 10_000) known.delete(known.keys().next().value)
  known.set(authorization, payload)
  return payload
}

const JSON_TYPE = 'application/json; charset=utf-8'

function answer (response, status, body, location) {
  const text = JSON.stringify(body)
  const headers = { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(text) }
  if (location) headers.location = location
  response.writeHead(status, headers).end(text)
}

const refuse = (response, status, detail) => answer(response, status, { detail, status_code: status })

const one = (response, [task]) => task ? answer(response, 200, task) : refuse(response, 404, 'Task not found')

function bodyOf (request) {
  return new Promise((resolve, reject) => {
    const chunks = []
    request.on('data', (chunk) => { chunks.push(chunk) })
    request.on('end', () => {
      try {
        resolve(JSON.parse(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
      } catch (error) {
        reject(error)
      }
    })
  })
}

const cursorOf = ({ created_at: createdAt, id }) => Buffer.from(`${createdAt}|${id}`).toString('base64url')

async function list (response, owner, query) {
  const { limit: given = '50', offset = '0', cursor } = Object.fromEntries(new URLSearchParams(query))
  const limit = Number(given)
  let rows, page
  if (cursor === undefined) {
    rows = await run(LIST, [owner, limit + 1, Number(offset)])
    const total = rows[0]?.total ?? 0
    for (const row of rows) delete row.total
    page = { tasks: rows, total, limit, offset: Number(offset), next_cursor: null }
  } else {
    rows = await run(LIST_AFTER, [owner, ...Buffer.from(cursor, 'base64url').toString().split('|'), limit + 1])
    page = { tasks: rows, limit, next_cursor: null }
  }
  if (rows.length > limit) {
    page.tasks = rows.slice(0, limit)
    page.next_cursor = cursorOf(rows[limit - 1])
  }
  answer(response, 200, page)
}

async function login (request, response) {
  const { email, password } = await bodyOf(request)
  const [user] = await run(LOGIN, [email])
  if (!user || !await argon2.verify(user.password_hash, password)) return refuse(response, 401, 'Invalid email or password')
  delete user.password_hash
  answer(response, 200, { access_token: issue(user), token_type: 'bearer', expires_in: 1800, user })
}

async function create (request, response, owner) {
  const { title, description = null } = await bodyOf(request)
  const [task] = await run(CREATE, [owner, uuidv7(), title, description])
  answer(response, 201, task, `/api/tasks/${task.id}`)
}

const operations = {
  GET: async (_request, response, owner, id) => one(response, await run(FIND, [owner, id])),
  async PUT (request, response, owner, id) {
    const { title, description = null } = await bodyOf(request)
    one(response, await run(UPDATE, [owner, id, title, description]))
  },
  async PATCH (request, response, owner, id) {
    const { is_completed: completed } = await bodyOf(request)
    one(response, await run(COMPLETE, [owner, id, completed]))
  },
  async DELETE (_request, response, owner, id) {
    const [removed] = await run(REMOVE, [owner, id])
    if (!removed) return refuse(response, 404, 'Task not found')
    response.writeHead(204).end()
  }
}

async function handle (request, response) {
  const { method, url } = request
  if (url === '/api/auth/login') return await login(request, response)
  const owner = ownerOf(request)
  if (!owner) return refuse(response, 401, 'Invalid authentication credentials')
  const [path, query = ''] = url.split('?')
  if (path === '/api/tasks') return await (method === 'POST' ? create(request, response, owner) : list(response, owner, query))
  await operations[method](request, response, owner, path.split('/', 4)[3])
}

http.createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error)
    refuse(response, 500, 'Internal server error')
  })
}).listen(Number(PORT), '127.0.0.1')

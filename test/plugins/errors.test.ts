import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { PASSWORD, startApp, type Person } from '../helper.js'
import { breakTables } from '../support/broken-tables.js'
import { cleanDatabase } from '../support/database.js'
import { endpoints, pathOf, takesToken } from '../support/endpoints.js'
import { keepLog } from '../support/log.js'

const log = keepLog()
const secret = 'a text that only its owner may see'

const { call, signUp, sql } = await startApp(t, {
  settings: { LOG_LEVEL: 'info' },
  output: log,
  prepare (app) {
    const route = (url: string, handler: () => Promise<unknown>) => app.get(url, {
      schema: { hide: true, response: { 200: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } } }
    }, handler)
    route('/broken/handler', async () => { throw new Error('broken on purpose') })
    route('/broken/answer', async () => ({ n: secret }))
    route('/broken/empty-answer', async () => ({}))
    // An error with a status that is no error's.
    route('/broken/library', async () => { throw Object.assign(new Error(secret), { statusCode: 200 }) })
    // What is thrown need not be an error at all.
    for (const [name, thrown] of [['text', secret], ['nothing', null]]) route(`/broken/${name}`, async () => { throw thrown })
  }
})
const ada = await signUp()
const task = await ada.add('Buy milk')

const bug = { detail: 'Internal server error', status_code: 500 }
const outage = { detail: 'Service unavailable', status_code: 503 }

/** A bug: the client learns nothing, and the log has its stack, once, under the id that the client got. */
async function isBug (t: Test, ask: Person, method: string, url: string, body?: object): Promise<void> {
  log.chunks.length = 0
  const id = randomUUID()
  const answer = await ask.call(method, url, { headers: { 'x-request-id': id }, ...(body && { body }) })
  t.equal(answer.status, 500, `${method} ${url}`)
  t.strictSame(answer.body, { detail: 'Internal server error', status_code: 500 })
  t.equal(answer.headers['x-request-id'], id)
  const failures = log.lines().filter(({ level }) => level >= 50)
  t.match(failures, [{ reqId: id, err: { message: /./, stack: /\n +at / } }], 'the log has the stack and the request id')
  t.equal(failures.length, 1, 'once')
}

t.test('a bug in a handler or in its answer is 500 and says nothing more', async (t) => {
  for (const url of ['/broken/handler', '/broken/answer', '/broken/empty-answer', '/broken/library']) await isBug(t, ada, 'GET', url)
  for (const url of ['/broken/text', '/broken/nothing']) {
    const { status, body } = await call('GET', url)
    t.strictSame([status, body], [500, bug], url)
  }
})

t.test('a statement that fails is 500 on every route that needs it, and the log quotes nobody', async (t) => {
  t.teardown(await breakTables(sql))
  for (const endpoint of endpoints.filter(({ path }) => path.endsWith('tasks') || path.includes('task_id'))) {
    const body = {
      TaskCreate: { title: secret },
      TaskUpdate: { title: secret },
      TaskPatch: { title: secret },
      TaskCompletion: { is_completed: true }
    }[endpoint.body ?? '']
    await isBug(t, ada, endpoint.method, pathOf(endpoint, ada.id, task.id), body)
    t.notMatch(log.chunks.join(''), secret)
  }
})

t.test('a row that the database refuses is 500, and the log has neither its values nor its owner', async (t) => {
  await sql(`alter table todo.tasks add constraint refusal check (title <> '${secret}')`)
  await sql("alter table todo.users add constraint refusal check (name <> 'Refused')")
  t.teardown(async () => {
    await sql('alter table todo.tasks drop constraint refusal')
    await sql('alter table todo.users drop constraint refusal')
  })
  await isBug(t, ada, 'POST', '/api/tasks', { title: secret, description: 'and more' })
  t.match(log.chunks.join(''), /23514/, 'the reason is there')
  t.notMatch(log.chunks.join(''), new RegExp(`${secret}|and more|${ada.email}|${ada.token}`))
  await isBug(t, ada, 'PUT', `/api/tasks/${task.id}`, { title: secret })
  t.notMatch(log.chunks.join(''), secret)
  const account = { email: 'refused@example.com', password: PASSWORD, name: 'Refused' }
  await isBug(t, ada, 'POST', '/api/auth/signup', account)
  t.notMatch(log.chunks.join(''), new RegExp(`${account.email}|${PASSWORD}|Refused|argon2`))
})

t.test('a constraint that no rule of the contract stands for is a bug, and the log has its name', async (t) => {
  await sql('alter table todo.users add constraint one_of_a_name unique (name)')
  t.teardown(async () => sql('alter table todo.users drop constraint one_of_a_name'))
  const { user: { name } } = await signUp('Bob')
  const account = { email: 'other@example.com', password: PASSWORD, name }
  await isBug(t, ada, 'POST', '/api/auth/signup', account)
  t.match(log.chunks.join(''), /users\.create violates a unique constraint \(one_of_a_name\)/)
  t.notMatch(log.chunks.join(''), new RegExp(`${account.email}|${PASSWORD}|argon2`))
})

t.test('without a database', async (t) => {
  const { database, drop } = await cleanDatabase()
  const outageLog = keepLog()
  const down = await startApp(t, { database, settings: { LOG_LEVEL: 'info' }, output: outageLog })
  const eve = await down.signUp('Eve')
  await database.close()
  t.teardown(drop)

  t.test('whatever needs it is 503 with Retry-After', async (t) => {
    for (const endpoint of endpoints.filter((one) => one.errors.includes(503) && !takesToken(one))) {
      const body = {
        SignupRequest: { email: 'late@example.com', password: PASSWORD, name: secret },
        LoginRequest: { email: eve.email, password: PASSWORD },
        ProfileChange: { name: secret },
        EmailChange: { email: 'late@example.com', password: PASSWORD },
        PasswordChange: { current_password: PASSWORD, new_password: secret },
        PasswordResetRequest: { email: eve.email },
        AccountDeletion: { password: PASSWORD },
        TaskCreate: { title: secret },
        TaskUpdate: { title: secret },
        TaskPatch: { title: secret },
        TaskCompletion: { is_completed: true }
      }[endpoint.body ?? '']
      const url = pathOf(endpoint, eve.id, randomUUID())
      const answer = await eve.call(endpoint.method, url, body && { body })
      t.strictSame([answer.status, answer.body], [503, outage], `${endpoint.method} ${url}`)
      t.match(answer.headers['retry-after'], /^[1-9]\d*$/)
    }
    t.notMatch(outageLog.chunks.join(''), new RegExp(`${secret}|late@example|${PASSWORD}|${eve.email}`))
    t.notOk(outageLog.lines().some(({ level }) => level >= 50), 'an outage is not a bug')
  })

  t.test('whatever does not need it answers as ever', async (t) => {
    for (const { path } of endpoints.filter(({ errors }) => !errors.includes(503))) {
      t.equal((await down.call('GET', path)).status, 200, path)
    }
    t.equal((await down.call('GET', '/api/tasks')).status, 401)
    // A token of version 1.0, of no session that could have ended.
    const token = down.app.jwt.present.sign({ sub: eve.id, exp: Math.floor(Date.now() / 1000) + 60 })
    t.equal((await down.call('GET', '/api/tasks?limit=0', { token })).status, 422)
    t.equal((await down.call('GET', '/api/nobody/tasks', { token })).status, 403)
  })

  t.test('the log says it once a second, however many ask', async (t) => {
    const start = Date.now() + 60_000
    let now = start
    t.capture(Date, 'now', () => now)
    const linesAfter = async (milliseconds: number) => {
      now = start + milliseconds
      outageLog.chunks.length = 0
      for (let i = 0; i < 20; i++) await down.call('GET', '/ready')
      return outageLog.lines().filter(({ msg }) => msg === 'database unavailable').length
    }
    t.equal(await linesAfter(0), 1)
    t.equal(await linesAfter(999), 0)
    t.equal(await linesAfter(1000), 1)
  })
})

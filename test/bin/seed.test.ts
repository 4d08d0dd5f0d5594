import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { passwords } from '../../src/accounts/passwords.js'
import { connectEmbedded } from '../../src/db/embedded.js'
import { demoTasks, type DemoTask } from '../../src/operations/demo-tasks.js'
import { DEMO, seed } from '../../src/operations/seed.js'
import type { Task } from '../../src/schemas/tasks.js'
import { startApp, testSettings } from '../helper.js'
import { logIn } from '../support/accounts.js'
import { sqlOn } from '../support/database.js'
import { migratedDump } from '../support/dump.js'
import { start } from '../support/process.js'

const hashes = passwords({ memoryCost: 64, timeCost: 1, parallelism: 1 }, 1)

t.test('the demo account has 200 tasks of all kinds', async (t) => {
  const now = Date.now()
  const [today, tasks] = [new Date(now).toISOString().slice(0, 10), demoTasks(200, now)]
  const kinds: Record<string, (task: DemoTask) => boolean> = {
    done: ({ done }) => done,
    open: ({ done }) => !done,
    overdue: ({ dueDate }) => dueDate! < today && dueDate !== null,
    'due today': ({ dueDate }) => dueDate === today,
    'due later': ({ dueDate }) => dueDate! > today,
    'not due': ({ dueDate }) => dueDate === null,
    'a year old': ({ daysOld }) => daysOld > 365,
    'as long as can be': ({ title }) => [...title].length === 200,
    'with a long description': ({ description }) => [...description ?? ''].length === 2000,
    'without one': ({ description }) => description === null,
    'in Arabic': ({ title }) => /\p{Script=Arabic}/u.test(title),
    'in Chinese': ({ title }) => /\p{Script=Han}/u.test(title)
  }
  for (const [kind, is] of Object.entries(kinds)) t.ok(tasks.filter(is).length > 2, kind)
})

t.test('it is made once, also by two seeds at once, and when one was broken off; whoever follows is told of all', async (t) => {
  const { db, call, sql } = await startApp(t, { settings: { REQUIRE_VERIFIED_EMAIL: 'true' } })
  const broken = seed(db, hashes, (done) => { if (done === 8) throw new Error('broken off') }, 16)
  await t.rejects(broken, { message: 'broken off' })
  const progress: number[] = []
  const seeds = [seed(db, hashes, (done) => { progress.push(done) }, 16), seed(db, hashes, () => {}, 16)] as const
  const [one, other] = await Promise.all(seeds)
  t.equal(one.created + other.created, 8)
  t.strictSame(progress, [4, 8, 12, 16])
  t.match([one, other], [{ passwordFits: true }, { passwordFits: true }])

  const { access_token: token } = await logIn(call, DEMO.email)
  const { body: page } = await call('GET', '/api/tasks?limit=100', { token })
  const { body: walk } = await call('GET', '/api/tasks/changes?limit=500', { token })
  const tasks = (page.tasks as Task[]).sort(byId)
  t.strictSame((walk.changes as Array<{ task: Task }>).map(({ task }) => task).sort(byId), tasks)
  const done = tasks.filter(({ is_completed: is }) => is).length
  t.strictSame(await sql('select open, done from todo.task_lists'), [{ open: 16 - done, done }])
  t.strictSame([page.total, done], [16, 5])
  t.ok(tasks.some(({ created_at: at }) => Date.parse(at) < Date.now() - 365 * 86_400_000), 'some are old')

  await sql("update todo.users set password_hash = (select password_hash || 'x' from todo.users)")
  t.match(await seed(db, hashes, () => t.fail('nothing to do'), 16), { created: 0, total: 16, passwordFits: false },
    'another makes none, and does not tell a password that somebody has changed')
})

const byId = (a: Task, b: Task) => a.id < b.id ? -1 : 1

t.test('npm run seed: it shows its progress, prints the account, and can be run twice', async (t) => {
  const home = t.testdir()
  const first = connectEmbedded(join(home, '.data/pglite'), { dump: await migratedDump() })
  await first.start()
  await first.close()
  const run = async () => await start(t, 'seed.ts', home, testSettings).ended
  const account = ` has 200\n\n  email     ${DEMO.email}\n  password  ${DEMO.password}\n\n`
  const label = `the demo account in embedded PostgreSQL (PGlite) in ${join(home, '.data/pglite')}`
  t.match(await run(), { status: 0, out: `50 of 200 tasks\n100 of 200 tasks\n150 of 200 tasks\n200 of 200 tasks\n200 tasks made: ${label}${account}`, err: '' })
  t.match(await run(), { status: 0, out: `Nothing to do: ${label}${account}`, err: '' })
  const again = connectEmbedded(join(home, '.data/pglite'))
  await again.start()
  await sqlOn(again)("update todo.users set password_hash = password_hash || 'x'")
  await again.close()
  t.match(await run(), { status: 0, out: `Nothing to do: ${label} has 200\n\n  email     ${DEMO.email}\n  password  (somebody has changed it)\n\n`, err: '' })
})

t.test('in production it does nothing, and says why in one line', async (t) => {
  const settings = { ...testSettings, NODE_ENV: 'production', DATABASE_URL: 'postgres://ada@127.0.0.1:1/todo' }
  t.ok(loadConfig(settings), 'a server would start')
  const { status, out, err } = await start(t, 'seed.ts', t.testdir(), settings).ended
  t.strictSame({ status, out }, { status: 1, out: '' })
  t.match(err, /^npm run seed makes [^\n]*NODE_ENV=production\n$/)
})

import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import t from 'tap'
import { startApp, type Person } from '../helper.js'
import { connectTo } from '../support/database.js'
import { retyped } from '../support/disturbances.js'
import { teardown } from '../support/teardown.js'
import { postgresServer } from '../support/wire.js'

/*
 * postgres.js repeats a statement by itself when PostgreSQL refuses a prepared one, and so gives answers to others than those
 * who asked. patches/ says what is repaired, docs/decisions/ why and until when.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))

const server = await postgresServer(t)
const database = connectTo(server.url, { DATABASE_POOL_SIZE: '2' })
await database.start()
teardown(t, async () => { await database.close() })
const { signUp, sql } = await startApp(t, { database })

t.test('the driver is the version that was repaired, and is repaired', async (t) => {
  const { dependencies, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/postgres/package.json'), 'utf8'))
  t.equal(dependencies.postgres, '3.4.9', 'pinned: a new one wants its patch looked at (docs/decisions/driver.md)')
  t.equal(version, dependencies.postgres)
  t.equal(scripts.postinstall, 'node patches/apply.mjs')
  for (const copy of ['src', 'cjs/src', 'cf/src']) {
    const text = readFileSync(join(root, 'node_modules/postgres', copy, 'connection.js'), 'utf8')
    t.notMatch(text, 'retry', `${copy}: run \`node patches/apply.mjs\`, it was installed without scripts`)
    t.match(text, 'staleStatement')
  }

  await t.test('by exact diffs, once, and never by chance', async (t) => {
    const place = t.testdir({ patches: {}, node_modules: {} })
    const driver = join(place, 'node_modules/postgres')
    const mine = join(driver, 'src/connection.js')
    const diff = readFileSync(join(root, 'patches/postgres+3.4.9.patch'), 'utf8')
    cpSync(join(root, 'node_modules/postgres'), driver, { recursive: true })
    cpSync(join(root, 'patches/apply.mjs'), join(place, 'patches/apply.mjs'))
    const apply = (text: string) => {
      writeFileSync(join(place, 'patches/postgres+3.4.9.patch'), text)
      return spawnSync(process.execPath, [join(place, 'patches/apply.mjs')], { encoding: 'utf8', env: {} })
    }
    const repaired = readFileSync(mine, 'utf8')
    t.match(apply(diff), { status: 0, stderr: '' }, 'what is repaired')
    t.equal(readFileSync(mine, 'utf8'), repaired, 'stays as it is')
    const reversed = diff.replace(/^@@ -(\S+) \+(\S+) @@/gm, '@@ -$2 +$1 @@')
      .replace(/^[+-](?!(\+\+ b|-- a)\/)/gm, (sign) => sign === '+' ? '-' : '+')
    t.match(apply(reversed), { status: 0, stderr: '' })
    const original = readFileSync(mine, 'utf8')
    t.match(original, 'retryRoutines')
    t.match(apply(diff), { status: 0, stderr: '' })
    t.equal(readFileSync(mine, 'utf8'), repaired)
    writeFileSync(mine, original.replace('function retry(', 'function again('))
    t.match(apply(diff), { status: 1, stderr: /does not fit node_modules\/postgres\/src\/connection.js/ }, 'another text')
    writeFileSync(join(driver, 'package.json'), '{"version":"3.5.0"}')
    t.match(apply(diff), { status: 1, stderr: /does not fit postgres 3.5.0/ }, 'another version')
  })
})

t.test('statements that are sent one behind the other get their own answers, whatever becomes of those before', async (t) => {
  const client = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })
  t.teardown(async () => { await client.end() })
  const ask = async (text: string, value: unknown) => [...await client.unsafe(text, [value as number], { prepare: true })]
  const FAILING = 'select 1 / ($1::int - i) as n from generate_series(1, 9) i'
  const COUNT = 'select i as n from generate_series(1, $1::int) i'
  const five = [1, 2, 3, 4, 5].map((n) => ({ n }))
  await Promise.all([ask(FAILING, 99), ask(COUNT, 1)])

  const [failed, counted] = await Promise.allSettled([ask(FAILING, 4), ask(COUNT, 5)])
  t.match(failed, { reason: { code: '22012' } }, 'one that fails in the middle of its rows')
  t.strictSame(counted, { status: 'fulfilled', value: five }, 'leaves no holes in the next')

  const unsent = Symbol('no parameter')
  const mixed = await Promise.allSettled([ask(COUNT, 2), ask(COUNT, unsent), ask(COUNT, 5)])
  t.match(mixed[1], { reason: TypeError }, 'one that could not be sent')
  t.strictSame([mixed[0], mixed[2]].map((one) => one.status === 'fulfilled' && one.value), [five.slice(0, 2), five], 'takes nobody\'s place')
})

/** What anybody asks all the time; the answers must be theirs. */
async function isServed (t: { strictSame: (...args: any[]) => unknown }, person: Person, change: string): Promise<void> {
  const answers = await Promise.all([
    person.call('GET', '/api/auth/me'),
    person.call('GET', '/api/tasks'),
    person.call('POST', '/api/tasks', { body: { title: person.email } })
  ])
  const [me, list, created] = answers
  t.strictSame(answers.map(({ status }) => status), [200, 200, 201], change)
  t.strictSame(me.body, person.user, `${change}: the account`)
  const others = [created.body, ...list.body.tasks]
    .filter(({ user_id: owner, title }) => owner !== person.id || title !== person.email)
  t.strictSame(others, [], `${change}: the tasks`)
}

t.test('a change of the tables under load costs nobody a request, and gives nobody the rows of another', async (t) => {
  const people = await Promise.all(Array.from({ length: 3 }, async (_, n) => signUp(`Person${n}`)))
  const changes = [
    retyped('title', 'varchar(300)'),
    'alter table todo.users alter column name type varchar(150)',
    retyped('description', 'text'),
    'alter table todo.tasks add column extra integer not null default 0',
    'alter table todo.tasks drop column extra',
    'deallocate all'
  ]
  for (const change of ['nothing has changed', ...changes]) {
    if (change !== 'nothing has changed') await sql(change)
    for (let times = 0; times < 2; times++) {
      await Promise.all(people.flatMap((person) => [1, 2].map(async () => isServed(t, person, change))))
    }
  }
})

t.test('true is stored as true by the statement that finds its table changed', async (t) => {
  const ada = await signUp('Ada')
  const { id } = await ada.add('Buy milk')
  const complete = async (is: boolean) => (await ada.call('PATCH', `/api/tasks/${id}/complete`, { body: { is_completed: is } })).body
  const done = async () => (await ada.call('GET', '/api/tasks?is_completed=true')).body
  for (let length = 301; length < 305; length++) {
    t.match(await complete(false), { is_completed: false })
    t.match(await done(), { tasks: [], total: 0 })
    await sql(retyped('title', `varchar(${length})`))
    t.match(await complete(true), { is_completed: true })
    await sql(retyped('title', `varchar(${length + 100})`))
    t.match(await done(), { tasks: [{ id, is_completed: true }], total: 1 })
  }
})

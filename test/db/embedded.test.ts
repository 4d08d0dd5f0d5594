import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { connectEmbedded } from '../../src/db/embedded.js'
import { ConstraintViolation, DatabaseDamaged, DatabaseLocked, DatabaseUnavailable, QueryFailed } from '../../src/db/errors.js'
import { keepStarted } from '../../src/db/keep-started.js'
import type { Statement } from '../../src/db/statement.js'
import { connectTo, sqlOn } from '../support/database.js'
import { migratedDump } from '../support/dump.js'
import { start } from '../support/process.js'

const dump = await migratedDump()
const root = t.testdir()
const folder = join(root, 'new/data')
const USER = 'insert into todo.users (id, email, name, password_hash) values (gen_random_uuid(), $1, $2, $3)'

t.test('the label says where it is', async (t) => {
  t.equal(connectTo('pglite:memory').label, 'embedded PostgreSQL (PGlite) in memory')
  t.equal(connectTo(`pglite:${folder}`).label, `embedded PostgreSQL (PGlite) in ${folder}`)
  t.equal(connectTo('pglite:some/data').label, `embedded PostgreSQL (PGlite) in ${join(process.cwd(), 'some/data')}`)
})

t.test('before its start it is unavailable, and has touched nothing', async (t) => {
  const database = connectEmbedded(folder)
  await t.rejects(database.ping(), new DatabaseUnavailable('not started'))
  t.throws(() => database.client(), new DatabaseUnavailable('not started'))
  await database.close()
  t.notOk(existsSync(join(root, 'new')))
})

t.test('a folder is made, and its data is there when it is opened again', async (t) => {
  const first = connectEmbedded(folder, { dump })
  await first.start()
  t.equal(statSync(join(root, 'new')).mode & 0o777, 0o700, 'for nobody else to read')
  await sqlOn(first)(USER, ['ada@example.com', 'Ada', 'x'])
  await first.close()
  await t.rejects(first.ping(), new DatabaseUnavailable('closed'))

  const again = connectEmbedded(folder)
  await again.start()
  t.teardown(async () => { await again.close() })
  await t.resolves(again.ping())
  await t.resolves(again.start(), 'to start again changes nothing')
  t.strictSame(await sqlOn(again)('select email from todo.users'), [{ email: 'ada@example.com' }])

  await t.test('while it is open it is refused to others, of this process and of another', async (t) => {
    await t.rejects(connectEmbedded(folder).start(), new DatabaseLocked(folder))
    const told: unknown[] = []
    const fail = (error: unknown) => { told.push(error) }
    await keepStarted(connectEmbedded(folder), { info () {}, warn () {} }, fail as () => never)
    t.match(told, [new DatabaseLocked(folder)], 'which is no outage')
    const { status, out, err } = await start(t, 'migrate.ts', root, { DATABASE_URL: `pglite:${folder}` }).ended
    t.strictSame({ status, out, err }, { status: 1, out: '', err: `${new DatabaseLocked(folder).message}\n` })
    t.strictSame(await sqlOn(again)('select email from todo.users'), [{ email: 'ada@example.com' }], 'which harms nobody')
  })

  await t.test('it refuses as PostgreSQL does', async (t) => {
    const sql = sqlOn(again)
    await t.rejects(sql(USER, ['ada@example.com', 'Ada', 'x']), new ConstraintViolation('unique', 'test', 'users_email_key'))
    await t.rejects(sql('insert into todo.tasks (id, owner_id, title) values (gen_random_uuid(), gen_random_uuid(), $1)', ['Marker']),
      new ConstraintViolation('foreign key', 'test', 'tasks_owner_id_fkey'))
    const error: unknown = await sql(USER, ['marker@example.com', null, 'x']).catch((error: unknown) => error)
    t.match(error, { constructor: QueryFailed, message: /^test failed with 23502 \(users, name, \w+\)$/ })
    t.notMatch(String((error as Error).stack), 'marker')
  })

  await t.test('it writes times in UTC with milliseconds', async (t) => {
    const at = "select '2026-01-06 16:00:00.05+05:30'::timestamptz as at"
    t.strictSame(await sqlOn(again)(at), [{ at: '2026-01-06T10:30:00.050Z' }])
  })
})

t.test('a statement that comes again is prepared, and its answers are its own', async (t) => {
  const database = connectEmbedded('memory', { dump })
  await database.start()
  t.teardown(async () => { await database.close() })
  const alter = sqlOn(database)
  for (const name of ['Ada', 'Eve']) await alter(USER, [`${name.toLowerCase()}@example.com`, name, 'x'])
  const statement = (text: string): Statement<{ name: string }> => ({ name: 'test', text, bind: ({ value }) => [value], echo: {} })
  const named = statement('select name from todo.users where name = $1')
  const typed = statement('select $1::int::text as name')
  const names = async (values: unknown[], of = named) =>
    (await Promise.all(values.map(async (value) => database.run(of, { value })))).map(([row]) => row?.name)
  t.strictSame(await names(['Ada', 'Eve', null, 'Ada', '\ufeff']), ['Ada', 'Eve', undefined, 'Ada', undefined])
  t.strictSame(await names([1, null, 3], typed), ['1', null, '3'])

  await t.test('an error is of the one that made it', async (t) => {
    const results = await Promise.allSettled([['no number'], [4], ['5']].map(async (values) => names(values, typed)))
    t.match(results, [
      { reason: { constructor: QueryFailed, message: 'test failed with 22P02' } }, { value: ['4'] }, { value: ['5'] }
    ])
  })

  await t.test('it is prepared anew when a column has another type, and says so when the column is gone', async (t) => {
    await alter('alter table todo.users alter column name type varchar(300)')
    t.strictSame(await names(['Ada', 'Eve']), ['Ada', 'Eve'])
    await alter('alter table todo.users rename column name to called')
    await t.rejects(names(['Ada']))
    await alter('alter table todo.users rename column called to name')
    t.strictSame(await names(['Ada', 'Eve']), ['Ada', 'Eve'])
  })
})

t.test('a folder that cannot be opened is told as that, each time, and opens when it is mended', async (t) => {
  const folder = join(root, 'damaged')
  mkdirSync(folder)
  writeFileSync(join(folder, 'PG_VERSION'), 'none')
  const database = connectEmbedded(folder, { dump })
  for (const time of ['first', 'second']) {
    const error: unknown = await database.start().catch((error: unknown) => error)
    t.type(error, Error, time)
    t.match(error, { constructor: DatabaseDamaged, message: folder }, `${time}: not as locked by another process`)
  }
  await database.close()
  rmSync(folder, { recursive: true })
  await t.resolves(database.start())
  await database.close()
})

t.test('in memory there is one for everybody who asks, and no lock', async (t) => {
  const databases = [connectEmbedded('memory', { dump }), connectEmbedded('memory', { dump })] as const
  for (const database of databases) await database.start()
  await sqlOn(databases[0])(USER, ['ada@example.com', 'Ada', 'x'])
  t.strictSame(await sqlOn(databases[1])('select email from todo.users'), [])
  for (const database of databases) await database.close()
  t.notOk(existsSync('memory.lock'))
})

import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { connectEmbedded } from '../../src/db/embedded.js'
import { hasAccounts } from '../../src/db/inspect.js'
import { libpqEnvironment } from '../../src/db/libpq.js'
import { backUp, restore } from '../../src/operations/backup.js'
import { Refused } from '../../src/operations/refused.js'
import { startApp, testSettings } from '../helper.js'
import { contentOf, fill, isRestored } from '../support/backups.js'
import { connectTo, createDatabase, serverUrl, sqlOn } from '../support/database.js'
import { migratedDump } from '../support/dump.js'
import { start } from '../support/process.js'
import { postgresServer } from '../support/wire.js'

const times = { connectTimeout: 2000, statementTimeout: 2000 }

t.test('the embedded database: backup, destroy, restore: everything is there, totals and numbers too', async (t) => {
  const home = t.testdir()
  const folder = join(home, '.data/pglite')
  const run = async (program: string, ...args: string[]) => await start(t, program, home, testSettings, undefined, args).ended
  const database = connectEmbedded(folder, { dump: await migratedDump() })
  await database.start()
  const { signUp } = await startApp(t, { database })
  const ada = await signUp()
  const before = await fill(ada)
  const url = `pglite:${folder}`
  const never = async () => t.fail('not asked')
  await t.rejects(backUp(url, join(home, 'todo.backup')), { message: / is in use by another process: / })
  await t.rejects(stat(join(home, 'todo.backup')), { code: 'ENOENT' })
  const content = await contentOf(database)
  await database.close()

  t.match(await run('backup.ts', 'todo.backup'), { status: 0, out: 'The backup is in todo.backup\n', err: '' })
  t.equal((await stat(join(home, 'todo.backup'))).mode & 0o777, 0o600, 'nobody else may read it')
  const again = connectEmbedded(folder)
  await again.start()
  const { call } = await startApp(t, { database: again })
  await call('POST', '/api/tasks', { token: ada.token, body: { title: 'After the backup' } })
  const later = (await call('GET', '/api/tasks/changes', { token: ada.token })).body.next as string
  await again.close()

  await t.rejects(restore(url, join(home, 'todo.backup'), never), { constructor: Refused, message: `${folder} exists: a restore overwrites nothing. Move it away, or name another folder` })
  await rm(folder, { recursive: true })
  t.match(await run('restore.ts', 'todo.backup'), { status: 0, out: `todo.backup is restored: embedded PostgreSQL (PGlite) in ${folder}\n`, err: '' })
  const restored = connectEmbedded(folder)
  await restored.start()
  t.teardown(async () => { await restored.close() })
  t.strictSame(await contentOf(restored), content)
  await isRestored(t, restored, ada, before, later)
})

t.test('what cannot be done is one line, and leaves nothing behind', async (t) => {
  const home = t.testdir({ 'todo.backup': 'here already', 'other.txt': 'no backup' })
  const [absent, file] = [`pglite:${home}/absent`, join(home, 'new.backup')]
  const never = async () => t.fail('not asked')
  const cases: Array<[why: RegExp, what: () => Promise<void>]> = [
    [/todo\.backup exists: a backup overwrites nothing/, async () => await backUp(absent, join(home, 'todo.backup'))],
    [/no embedded database in /, async () => await backUp(absent, file)],
    [/in memory/, async () => await backUp('pglite:memory', file)],
    [/other\.txt is no backup of the embedded database/, async () => await restore(absent, join(home, 'other.txt'), never)],
    [/other\.txt is no backup of PostgreSQL/, async () => await restore('postgres://127.0.0.1:1/todo', join(home, 'other.txt'), never)]
  ]
  for (const [message, what] of cases) await t.rejects(what(), { constructor: Refused, message })
  await t.rejects(stat(file), { code: 'ENOENT' })
  t.equal(await readFile(join(home, 'todo.backup'), 'utf8'), 'here already')
  for (const [program, args] of [['backup', []], ['restore', ['a', 'b']]] as const) {
    t.match(await start(t, `${program}.ts`, home, testSettings, undefined, [...args]).ended,
      { status: 1, out: '', err: `npm run ${program} -- FILE\n` })
  }
})

t.test('PostgreSQL\'s own programs read the connection from their environment, where no other user sees it', async (t) => {
  const env = { PATH: '/bin', PGSSLMODE: 'disable', PGSERVICE: 'other', PGPORT: '5433' }
  const cases: Array<[url: string, expected: NodeJS.ProcessEnv]> = [
    ['postgres://ada:s%40cret@db.example:5432/todo?schema=public&pgbouncer=true',
      { PGHOST: 'db.example', PGPORT: '5432', PGUSER: 'ada', PGPASSWORD: 's@cret', PGDATABASE: 'todo', PGSSLMODE: 'prefer' }],
    ['postgres://ada@one,two:5434/todo?hostaddr=192.0.2.1,192.0.2.2&target_session_attrs=primary',
      { PGHOST: 'one,two', PGPORT: '5432,5434', PGHOSTADDR: '192.0.2.1,192.0.2.2', PGTARGETSESSIONATTRS: 'primary', PGUSER: 'ada', PGPASSWORD: '', PGDATABASE: 'todo', PGSSLMODE: 'prefer' }],
    ['postgres://ada@db/todo?sslmode=no-verify&sslrootcert=', { PGHOST: 'db', PGPORT: '5433', PGUSER: 'ada', PGPASSWORD: '', PGDATABASE: 'todo', PGSSLMODE: 'require' }],
    ['postgres://ada@db/todo?sslrootcert=system',
      { PGHOST: 'db', PGPORT: '5433', PGUSER: 'ada', PGPASSWORD: '', PGDATABASE: 'todo', PGSSLMODE: 'verify-full', PGSSLROOTCERT: 'system' }]
  ]
  for (const [url, expected] of cases) t.strictSame(libpqEnvironment(url, env), { PATH: '/bin', PGAPPNAME: 'todo-backend', ...expected }, url)
})

const hasPrograms = serverUrl !== undefined && (() => {
  try {
    return Boolean(execFileSync('pg_dump', ['--version']))
  } catch {
    return false
  }
})()

t.test('PostgreSQL: backup, destroy, restore: everything is there', { skip: !hasPrograms && 'no PostgreSQL to test on, or no pg_dump' }, async (t) => {
  const home = t.testdir()
  const [{ url, drop }, other] = await Promise.all([createDatabase(serverUrl!), createDatabase(serverUrl!)])
  t.teardown(async () => { await Promise.all([drop(), other.drop()]) })
  const database = connectTo(url)
  await database.start()
  const { signUp } = await startApp(t, { database })
  const ada = await signUp()
  const before = await fill(ada)
  const content = await contentOf(database)
  const run = async (program: string, to = url) => await start(t, program, home, { ...testSettings, DATABASE_URL: to }, undefined, ['todo.backup']).ended
  t.match(await run('backup.ts'), { status: 0, err: '' })
  t.equal((await stat(join(home, 'todo.backup'))).mode & 0o777, 0o600)
  await ada.add('After the backup')
  const later = (await ada.call('GET', '/api/tasks/changes')).body.next as string
  t.match(await run('backup.ts'), { status: 1, err: 'todo.backup exists: a backup overwrites nothing\n' })
  t.match(await run('restore.ts'), { status: 1, out: '', err: /^The database has accounts: a restore overwrites nothing\.[^\n]+\n$/ })
  await sqlOn(database)('drop schema todo cascade')
  t.match(await run('restore.ts'), { status: 0, out: /^todo\.backup is restored: PostgreSQL at /, err: '' })
  // It has noticed that its tables were gone.
  await database.start()
  t.strictSame(await contentOf(database), content)
  await isRestored(t, database, ada, before, later)
  await database.close()

  t.match(await run('restore.ts', other.url), { status: 0 }, 'into an empty database')
  t.match(await run('restore.ts', other.url), { status: 1 })
  const fresh = connectTo(other.url)
  t.strictSame(await contentOf(fresh).catch(() => 'not started'), 'not started')
  await fresh.start()
  t.strictSame(await contentOf(fresh), content)
  await sqlOn(fresh)('truncate todo.users cascade')
  await fresh.close()
  t.match(await run('restore.ts', other.url), { status: 0 }, 'into one whose tables a server has made, without accounts')
})

t.test('PostgreSQL\'s programs: what they say is told, and that they are missing', async (t) => {
  const server = await postgresServer(t)
  const folder = t.testdir()
  const file = join(folder, 'todo.backup')
  const { PATH } = process.env
  t.teardown(() => { process.env.PATH = PATH })
  const program = async (name: string, script: string) => {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(folder, name), 0o755)
  }
  process.env.PATH = folder
  await t.rejects(backUp(server.url, file), { constructor: Refused, message: /^pg_dump cannot be run \(ENOENT\): install / })
  process.env.PATH = [folder, PATH].join(delimiter)
  await program('pg_dump', 'echo "pg_dump: error: server version mismatch" >&2; exit 1')
  await t.rejects(backUp(server.url, file), { constructor: Refused, message: 'pg_dump: error: server version mismatch' })
  await program('pg_dump', 'exit 3')
  await t.rejects(backUp(server.url, file), { constructor: Refused, message: 'pg_dump ended with 3' })
  await t.rejects(stat(file), { code: 'ENOENT' })
  await program('pg_dump', 'for word; do case $word in --file=*) printf PGDMP > "`echo $word | cut -c8-`";; esac; done')
  await backUp(server.url, file)
  t.equal(await readFile(file, 'utf8'), 'PGDMP')

  const isUsed = async () => await hasAccounts(server.url, times)
  await program('pg_restore', 'echo "$PGHOST:$PGPORT $*" > "$0.said"')
  t.match(await start(t, 'restore.ts', folder, { ...testSettings, DATABASE_URL: server.url, PATH: process.env.PATH }, undefined, [file]).ended,
    { status: 0, out: `${file} is restored: PostgreSQL at `, err: '' })
  t.match(await readFile(join(folder, 'pg_restore.said'), 'utf8'),
    new RegExp(`^${new URL(server.url).host} .* --single-transaction .*--dbname=\\w+ ${file}\n$`))
  const database = connectTo(server.url)
  await database.start()
  t.notOk(await isUsed(), 'tables alone are nothing to lose')
  await sqlOn(database)("insert into todo.users (id, email, name, password_hash) values ('00000000-0000-7000-8000-000000000001', 'ada@example.com', 'Ada', 'x')")
  await t.rejects(restore(server.url, file, isUsed), { constructor: Refused, message: /has accounts/ })
  await database.close()
})

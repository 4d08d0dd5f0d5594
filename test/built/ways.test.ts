import { execFile, execFileSync } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { startCluster } from '../faults/support/cluster.js'
import { startRedis } from '../faults/support/redis.js'
import { startServer, type Server, type ServerOptions } from '../faults/support/server.js'
import { startApp } from '../helper.js'

/*
 * The built program, started as its users start it: `npm run test:built`, with the Node.js that is first in PATH. It is built in
 * a clean clone of this folder, with the packages that are installed here.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** npm itself, and not the command of its name, as one Node.js runs another's npm as well. */
const npm = process.env.npm_execpath ?? execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim() + '/npm/bin/npm-cli.js'

const clone = t.testdir()
execFileSync('cp', ['-al', join(root, 'node_modules'), clone])
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
for (const file of files.split('\0').filter(Boolean)) cpSync(join(root, file), join(clone, file))

const npmStart: ServerOptions = { cwd: clone, program: [npm, 'start'] }

/** As people start it, who set nothing but what is told here. */
const plain = { NODE_ENV: '', ARGON2_MEMORY_KIB: '', ARGON2_TIME_COST: '', RATE_LIMIT: '' }

async function tellsTheStories (t: Test, { port }: Server) {
  const { stdout } = await run('bash', [join(root, '.ci/smoke'), `http://127.0.0.1:${port}`])
  t.match(stdout, 'the five stories work')
}

t.test('npm start: the embedded database', async (t) => {
  const server = await startServer(t, { ...plain, SECRET_KEY: '' }, npmStart)
  await tellsTheStories(t, server)
  await t.test('its pages are those of the source', async (t) => isLikeSource(t, server))
  t.equal((await server.stop()).end, 0)
})

/** What is read at run time is found, and says the same: pages and their files, the version, the document, an error. */
async function isLikeSource (t: Test, { port }: Server) {
  const { call } = await startApp(t)
  const paths = ['/', '/openapi.json', '/health', '/ready', '/docs', '/redoc', '/nothing', '/api/tasks']
  for (const page of ['/docs', '/redoc']) {
    for (const [, url] of (await call('GET', page)).text.matchAll(/(?:src|href)="([^":]+)"/g)) {
      paths.push(new URL(url!, `http://localhost${page}`).pathname)
    }
  }
  t.ok(paths.length > 12)
  for (const path of paths) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    const { status, headers, text } = await call('GET', path)
    const same = path.endsWith('initializer.js') ? unminified : String
    t.strictSame([answer.status, answer.headers.get('content-type')], [status, headers['content-type']], path)
    t.ok(same(await answer.text()) === same(text), `${path} has the same body`)
  }
}

/** A function that becomes a part of a page is minified with the program. */
const unminified = (code: string) => code.replace(/[\s;{}]|return|const|let/g, '')

const cluster = await startCluster(t)
if (cluster) {
  t.test('npm run db:migrate, npm start: PostgreSQL', async (t) => {
    const env = { ...process.env, NODE_OPTIONS: '', NODE_ENV: '', DATABASE_URL: cluster.url }
    const { stdout } = await run(process.execPath, [npm, 'run', '-s', 'db:migrate'], { cwd: clone, env })
    t.match(stdout, /^PostgreSQL at [^ ]+ is up to date\n$/)
    const server = await startServer(t, { ...plain, DATABASE_URL: cluster.url }, npmStart)
    await tellsTheStories(t, server)
    t.equal((await server.stop()).end, 0)
  })

  t.test('node dist/server.js from another folder, in production', async (t) => {
    const server = await startServer(t, { ...plain, NODE_ENV: 'production', DATABASE_URL: cluster.url },
      { program: [join(clone, 'dist/server.js')] })
    await tellsTheStories(t, server)
    t.equal((await server.stop()).end, 0)
  })

  const redis = await startRedis(t)
  if (redis) {
    t.test('with Redis, which then goes away', async (t) => {
      const settings = { ...plain, DATABASE_URL: cluster.url, REDIS_URL: redis.url }
      const server = await startServer(t, settings, npmStart)
      await tellsTheStories(t, server)
      const client = new Redis(redis.url)
      t.not(await client.dbsize(), 0, 'it counts there')
      client.disconnect()
      t.notMatch(readFileSync(server.log, 'utf8'), 'Redis unavailable')
      await redis.kill()
      await tellsTheStories(t, server)
      t.equal((await server.stop()).end, 0)

      const without = await startServer(t, settings, npmStart)
      await tellsTheStories(t, without)
      t.equal((await without.stop()).end, 0)
      for (const { log } of [server, without]) t.match(readFileSync(log, 'utf8'), 'Redis unavailable')
      await redis.start()
    })
  }
}

import { join } from 'node:path'
import t from 'tap'
import { connectEmbedded } from '../../src/db/embedded.js'
import { readable } from '../../src/log/readable.js'
import { migratedDump } from '../support/dump.js'
import { start } from '../support/process.js'
import { baseOf, settings } from '../support/server.js'

/** A folder to start a server in, with an embedded database: its first start would take seconds. */
const home = t.testdir()
const first = connectEmbedded(join(home, '.data/pglite'), { dump: await migratedDump() })
await first.start()
await first.close()

const TIME = '\\[\\d\\d:\\d\\d:\\d\\d\\]'

t.test('in a terminal the log is one short line a request, without colours where they are not wanted', async (t) => {
  const server = start(t, 'server.ts', home, { ...settings, NO_COLOR: '1', FORCE_COLOR: undefined }, 'terminal')
  const base = (await server.says(/API +(http:\S+)\/api\r?\n/))[1]!
  await fetch(`${base}/health?secret=1`)
  await fetch(`${base}/nothing`)
  await server.says(new RegExp(`\\n${TIME} INFO: GET /health 200 [\\d.]+ ms\\r?\\n${TIME} INFO: GET /nothing 404 [\\d.]+ ms\\r?\\n`))
  server.child.kill('SIGTERM')
  await server.ended
})

t.test('in a pipe it is JSON', async (t) => {
  const server = start(t, 'server.ts', home, settings)
  await fetch(`${await baseOf(server)}/health`)
  const [line] = await server.says(/\{.*"msg":"request"\}\n/)
  t.match(JSON.parse(line), { method: 'GET', path: '/health', status: 200 })
  server.child.kill('SIGTERM')
  await server.ended
})

t.test('what a terminal shows', async (t) => {
  const [inColours, plain] = await Promise.all([readable(true), readable(false)])
  const line = (facts: object) => `${JSON.stringify({ level: 30, time: Date.now(), pid: 1, hostname: 'here', reqId: 'abc', ...facts })}\n`
  const request = (facts: object) => line({ method: 'GET', path: '/api/tasks', status: 200, user: 'somebody', ms: 1.2, ...facts, msg: 'request' })
  const cases: Array<[name: string, shown: string, expected: RegExp | string]> = [
    ['a success is green', inColours(request({})), '\u001B[32m200\u001B'],
    ['what the client did wrong is yellow', inColours(request({ status: 404 })), '\u001B[33m404\u001B'],
    ['what the server did wrong is red', inColours(request({ status: 503 })), '\u001B[31m503\u001B'],
    ['whoever left is told', plain(request({ aborted: true })), new RegExp(`^${TIME} INFO: GET /api/tasks 200 1.2 ms \\(client has gone\\)\\n$`)],
    ['any other line has its facts', plain(line({ level: 40, limit: 'user', msg: 'rate limit reached' })),
      new RegExp(`^${TIME} WARN: rate limit reached \\{"reqId":"abc","limit":"user"\\}\\n$`)],
    ['an error has its stack', plain(line({ level: 50, err: { type: 'Error', message: 'boom', stack: 'Error: boom\n    at there (file.js:1)' }, msg: 'request failed' })),
      /ERROR: request failed [^]+\n +at there \(file\.js:1\)\n/],
    ['nobody else commands the terminal', plain(request({ path: '/\u009B31m\u001B[2J' })), /GET \/\uFFFD31m\uFFFD\[2J 200/],
    ['what is no line of the log stays', plain('anything\n'), /^anything\n$/]
  ]
  for (const [name, shown, expected] of cases) t.match(shown, expected, name)
})

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Settings } from '../src/config/settings.js'
import { freePort } from '../test/support/free-port.js'
import { end, launch, root, sleep } from './bench/shell.js'

// `npm run load:smoke`: 100 people at the same time on the built server for a few seconds; ends with status 1 on any error.
// On the database of DATABASE_URL, or the embedded one.

const folder = mkdtempSync(join(tmpdir(), 'todo-backend-smoke-'))
const port = await freePort()
const url = `http://127.0.0.1:${port}`
/** How many passwords the server hashes at a time, and so how many people sign up at a time. */
const threads = process.env.HASH_THREADS ?? String(Settings.properties.HASH_THREADS.default)
const server = launch(process.execPath, [join(root, 'dist/server.js')], join(folder, 'log'), {
  ...process.env,
  DATABASE_URL: process.env.DATABASE_URL ?? 'pglite:memory',
  HOST: '127.0.0.1',
  PORT: String(port),
  HASH_THREADS: threads,
  RATE_LIMIT: 'off'
}, folder)
try {
  while (!await fetch(`${url}/ready`).then(({ ok }) => ok, () => false)) {
    if (server.exitCode !== null) throw new Error(`The server ended with status ${server.exitCode}`)
    await sleep(50)
  }
  const args = ['load/load.ts', '--url', url, '--connections', '100', '--duration', process.argv[2] ?? '5', '--signups', threads]
  process.exitCode = spawnSync('node_modules/.bin/tsx', args, { cwd: root, stdio: 'inherit' }).status ?? 1
} finally {
  await end(server)
  rmSync(folder, { recursive: true })
}

import { once } from 'node:events'
import { openSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { connectEmbedded } from '../../src/db/embedded.js'
import { migratedDump } from '../support/dump.js'
import { start, type Program } from '../support/process.js'
import { baseOf, settings } from '../support/server.js'
import { until } from '../support/until.js'

/** A folder to start a server in, with an embedded database: its first start would take seconds. */
const home = t.testdir()
const first = connectEmbedded(join(home, '.data/pglite'), { dump: await migratedDump() })
await first.start()
await first.close()

/** Sends requests each of which is a long line of the log, together 2.4 MB: more than a pipe holds and the server keeps. */
async function talk (t: Test, base: string): Promise<void> {
  const path = `${base}/${'long'.repeat(2000)}`
  for (let count = 0; count < 300; count++) {
    const { status } = await fetch(path)
    if (status !== 404) t.fail(`it answers ${status}`)
  }
  t.equal((await fetch(`${base}/ready`)).status, 200, 'the API goes on')
}

/** SIGTERM ends it as ever. */
async function ends (t: Test, server: Program): Promise<void> {
  server.child.kill('SIGTERM')
  t.match(await server.ended, { status: 0, signal: null, err: '' })
}

t.test('what reads the log stalls: the API goes on, lines are lost and counted, and it ends in time', async (t) => {
  const server = start(t, 'server.ts', home, settings)
  const base = await baseOf(server)
  const { stdout } = server.child
  stdout!.pause()
  await talk(t, base)
  stdout!.resume()
  const [, lost] = await server.says(/\{[^\n]*"lost":(\d+),"msg":"log lines lost"\}\n/)
  t.equal((await fetch(`${base}/health`, { headers: { 'x-request-id': 'afterwards' } })).status, 200)
  await server.says(/"afterwards".*\n/)
  const lines = server.output.out.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as { path?: string })
  t.equal(lines.filter(({ path }) => path?.includes('long')).length + Number(lost), 301, 'each line is there or counted')

  stdout!.pause()
  await talk(t, base)
  server.child.kill('SIGTERM')
  const [status] = await once(server.child, 'exit')
  t.equal(status, 0)
  stdout!.resume()
  t.match(await server.ended, { err: '' })
})

t.test('what reads the log goes away: the API goes on, and it ends', async (t) => {
  const server = start(t, 'server.ts', home, settings)
  const base = await baseOf(server)
  server.child.stdout!.destroy()
  await talk(t, base)
  await ends(t, server)
})

t.test('the banner, too, has nowhere to go', async (t) => {
  const port = await freePort()
  const server = start(t, 'server.ts', home, { ...settings, PORT: String(port) })
  server.child.stdout!.destroy()
  const base = `http://127.0.0.1:${port}`
  await until('it is ready', async () => fetch(`${base}/ready`).then(({ ok }) => ok, () => false))
  await talk(t, base)
  await ends(t, server)
})

t.test('the disk of the log is full: the API goes on, and it ends', async (t) => {
  const port = await freePort()
  const server = start(t, 'server.ts', home, { ...settings, PORT: String(port) }, openSync('/dev/full', 'w'))
  const base = `http://127.0.0.1:${port}`
  await until('it is ready', async () => fetch(`${base}/ready`).then(({ ok }) => ok, () => false))
  await talk(t, base)
  await ends(t, server)
})

/** A port of the loopback that nothing listens on. */
async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => { server.close(resolve) })
  return port
}

t.test('nothing is lost at the end, also by an error that nobody has caught, nor to a reader that is slow', async (t) => {
  const log = new URL('../../src/log/output.ts', import.meta.url).href
  const program = start(t, `import { logOutput } from '${log}'
    const output = logOutput()
    for (let count = 0; count < 500; count++) output.write('x'.repeat(999) + '\\n')
    throw new Error('on purpose')`, home)
  program.child.stdout!.pause()
  setTimeout(() => { program.child.stdout!.resume() }, 300)
  const { status, out, err } = await program.ended
  t.equal(status, 1)
  t.match(err, 'on purpose')
  t.equal(out.length, 500_000)
})

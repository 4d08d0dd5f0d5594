import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { keepPrivate, keptSecret } from '../../src/config/secret.js'
import { start } from '../support/process.js'

const module = JSON.stringify(new URL('../../src/config/secret.ts', import.meta.url).href)

t.test('a secret is made once, for nobody else to read, and kept', async (t) => {
  const folder = join(t.testdir(), 'new/data')
  const secret = keptSecret(folder)
  t.match(secret, /^[0-9a-f]{64}$/)
  t.equal(keptSecret(folder), secret)
  t.strictSame(readdirSync(folder), ['secret-key'], 'and nothing else is left')
  t.equal(readFileSync(join(folder, 'secret-key'), 'utf8').trim(), secret)
  t.equal(statSync(join(folder, 'secret-key')).mode & 0o777, 0o600)
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.not(keptSecret(join(t.testdirName, 'other')), secret, 'each installation has its own')
})

t.test('an operator may write one by hand', async (t) => {
  const folder = t.testdir({ 'secret-key': '  by hand\n' })
  t.equal(keptSecret(folder), 'by hand')
})

t.test('two first starts at once get the same one', async (t) => {
  const folder = t.testdir()
  // Each waits for the file `go` without giving way, and then both make secrets in the same two hundred folders.
  const program = `
    import { existsSync } from 'node:fs'
    import { keptSecret } from ${module}
    console.log('ready')
    while (!existsSync('go'));
    console.log(JSON.stringify(Array.from({ length: 200 }, (_, i) => keptSecret('data-' + i))))
  `
  const both = [start(t, program, folder), start(t, program, folder)]
  for (const one of both) await one.says(/ready\n/)
  writeFileSync(join(folder, 'go'), '')
  const [first, second] = await Promise.all(both.map(async ({ ended }) => (await ended).out))
  t.equal(first, second)
  t.equal(new Set(JSON.parse(first!.replace('ready\n', '')) as string[]).size, 200)
})

t.test('a .data that others could read is closed to them at the next start, or it is said', async (t) => {
  const back = process.cwd()
  process.chdir(t.testdir({ '.data': { 'secret-key': 'kF9v2xQ7mZ4tB8nR1wY6cH3jL5pS0dGa' } }))
  t.teardown(() => { process.chdir(back) })
  chmodSync('.data', 0o755)
  chmodSync('.data/secret-key', 0o644)
  loadConfig({})
  t.strictSame([statSync('.data').mode & 0o777, statSync('.data/secret-key').mode & 0o777], [0o700, 0o600])

  const said = t.capture(console, 'warn')
  mkdirSync('foreign')
  chmodSync('foreign', 0o755)
  // Only root can give a folder away; anybody else finds one of root's.
  const isRoot = process.getuid!() === 0
  if (isRoot) chownSync('foreign', 65_534, 65_534)
  keepPrivate(isRoot ? 'foreign' : '/')
  t.match(said.args(), [[/^(foreign|\/) is open to other users of this machine \(mode 755\)$/]])
})

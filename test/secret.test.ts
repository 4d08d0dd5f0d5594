import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { keptSecret } from '../src/secret.js'
import { start } from './support/process.js'

const module = JSON.stringify(new URL('../src/secret.ts', import.meta.url).href)

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

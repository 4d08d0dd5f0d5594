import { readFileSync } from 'node:fs'
import t from 'tap'

interface Package { version: string, dev?: boolean, hasInstallScript?: boolean, integrity?: string, link?: boolean }

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
const { allowScripts } = read('package.json') as { allowScripts: Record<string, boolean> }
const { packages } = read('package-lock.json') as { packages: Record<string, Package> }
/** Without the project itself. */
const installed = Object.entries(packages).filter(([path]) => path !== '')
  .map(([path, entry]) => ({ path, name: path.split('node_modules/').at(-1)!, ...entry }))

t.test('nothing that the running server depends on runs a script at its installation, but what is allowed to', async (t) => {
  const running = installed.filter(({ dev }) => !dev)
  t.ok(running.some(({ name }) => name === 'fastify'))
  const refused = running.filter(({ name, hasInstallScript }) => hasInstallScript && !allowScripts[name])
  t.strictSame(refused.map(({ path }) => path), [])
})

t.test('whoever runs a script is named, allowed or not', async (t) => {
  const scripted = new Set(installed.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name))
  t.strictSame([...scripted].sort(), Object.keys(allowScripts).sort())
})

t.test('what is installed is what was locked, to the byte', async (t) => {
  t.strictSame(installed.filter(({ integrity }) => !/^sha512-/.test(integrity ?? '')).map(({ path }) => path), [])
})

import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { reuseDatabases } from './database.js'
import { beginFile } from './teardown.js'

/** Which folders share a process: in each about as much to do. */
const suites = {
  accounts: ['accounts', 'routes/auth', 'sync'],
  api: ['http', 'plugins', 'properties', 'routes', 'routes/tasks'],
  bin: ['bin'],
  client: ['client'],
  db: ['db', 'repositories'],
  root: ['.', 'config', 'schemas'],
  server: ['server']
}

/** Folders whose files each want a process, and a command, of their own. */
const apart = ['browser', 'built', 'faults']

/**
 * Runs the test files of a suite one after another in this process, each to its end before the next is read. A process
 * of its own costs a file two seconds of CPU: for the runner, for the modules of the application, for PGlite.
 */
export async function runSuite (name: keyof typeof suites): Promise<void> {
  const close = reuseDatabases()
  for (const file of filesOf(name)) {
    const endFile = beginFile()
    await import(`../${file}`)
    await t.test(`${file} leaves nothing open`, endFile)
  }
  await close()
}

/** @throws when a test file is in a folder that no suite has, as it would never run */
function filesOf (suite: keyof typeof suites): string[] {
  const all = readdirSync(new URL('..', import.meta.url), { recursive: true, encoding: 'utf8' })
  const files = all.filter((file) => file.endsWith('.test.ts')).sort()
  const known = [...apart, ...Object.values(suites).flat()]
  const forgotten = files.filter((file) => !known.includes(dirname(file)))
  if (forgotten.length > 0) throw new Error(`no suite runs ${forgotten.join(', ')}`)
  return files.filter((file) => suites[suite].includes(dirname(file)))
}

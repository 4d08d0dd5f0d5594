import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DatabaseLocked } from '../../src/db/errors.js'
import { lockFolder } from '../../src/db/lock.js'
import { start } from '../support/process.js'

/** A process that holds the lock of a folder until it is killed. */
const holder = (folder: string) => `
  import { lockFolder } from ${JSON.stringify(new URL('../../src/db/lock.ts', import.meta.url).href)}
  const unlock = await lockFolder(${JSON.stringify(folder)})
  console.log('locked')
  setInterval(() => {}, 1000)
`

t.test('one at a time in the same process', async (t) => {
  const folder = join(t.testdir(), 'data')
  const unlock = await lockFolder(folder)
  await t.rejects(lockFolder(folder), new DatabaseLocked(folder))
  await t.rejects(lockFolder(folder), new DatabaseLocked(folder), 'to be refused does not take the lock away')
  const other = await lockFolder(`${folder}-2`)
  other()
  unlock()
  const again = await lockFolder(folder)
  again()
  t.notOk(existsSync(folder), 'the folder itself is left alone')
})

t.test('a lock file that somebody left behind says nothing, whatever is in it', async (t) => {
  const folder = join(t.testdir(), 'data')
  for (const content of ['', String(process.pid), '{"pid":1}', '\0\n'.repeat(999)]) {
    writeFileSync(`${folder}.lock`, content)
    const unlock = await lockFolder(folder)
    t.equal(readFileSync(`${folder}.lock`, 'utf8'), content, JSON.stringify(content.slice(0, 9)))
    unlock()
  }
})

t.test('one at a time among processes, and a killed one does not count', async (t) => {
  const folder = join(t.testdir(), 'data')
  const other = start(t, holder(folder), t.testdirName)
  await other.says(/locked/)
  await t.rejects(lockFolder(folder), new DatabaseLocked(folder))
  other.child.kill('SIGKILL')
  await other.ended
  const unlock = await lockFolder(folder)
  unlock()
})

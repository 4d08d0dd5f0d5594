import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { start } from '../support/process.js'

t.test('it prints the document that the repository keeps, whatever the settings are, and leaves nothing behind', async (t) => {
  const folder = t.testdir()
  const { status, out, err } = await start(t, 'openapi.ts', folder, { API_TITLE: 'Other', DATABASE_URL: 'none' }).ended
  t.strictSame({ status, err }, { status: 0, err: '' })
  t.equal(out, await readFile(new URL('../../openapi.json', import.meta.url), 'utf8'), 'openapi.json is what npm run openapi makes')
  t.notOk(existsSync(join(folder, '.data')))
})

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { FOLLOW_ROWS, followTableOf, type FollowRow } from './support/follow-table.js'
import { searchLogs } from './support/log.js'
import { NOTES, ROWS, tableOf, type Row } from './support/table.js'

/*
 * The fault run. Usage: run.ts [--full] [--minutes N] [FILE…], by default every test file here; the minutes are those of soak.ts.
 * Its settings are in .taprc beside it. In the end the logs of all servers are searched; they are kept when something has failed.
 */

const here = fileURLToPath(new URL('.', import.meta.url))
const { values: { full, minutes }, positionals } = parseArgs({
  allowPositionals: true,
  options: { full: { type: 'boolean' }, minutes: { type: 'string', default: '10' } }
})
const all = readdirSync(here).filter((file) => file.endsWith('.test.ts')).map((file) => join(here, file))
const folder = mkdtempSync(join(tmpdir(), 'faults-'))
const env = {
  ...process.env, FAULTS_FOLDER: folder, TAP_RCFILE: join(here, '.taprc'), FAULTS_MINUTES: minutes, ...(full && { FAULTS: 'full' })
}

const begin = Date.now()
const { status } = spawnSync('tap', ['run', ...(positionals.length > 0 ? positionals : all)], { env, stdio: 'inherit' })

const textOf = (name: string) => existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : ''
const rowsOf = <Of>(name: string): Of[] => textOf(name).split('\n').filter(Boolean).map((line) => JSON.parse(line) as Of)
const followed = rowsOf<FollowRow>(FOLLOW_ROWS)
console.log(`\n${tableOf(rowsOf<Row>(ROWS))}\n\n${followed.length > 0 ? `${followTableOf(followed)}\n\n` : ''}${textOf(NOTES)}`)
const isClean = await searchLogs(folder).then(({ logs, lines, requests, warnings }) => {
  console.log(`${logs} logs with ${lines} lines, ${requests} of them requests and ${warnings} warnings: no secret, no forged line, no flood`)
  return true
}, ({ message }: Error) => {
  console.log(`In the logs: ${message}`)
  return false
})
console.log(`${Math.round((Date.now() - begin) / 1000)} s`)
if (status === 0 && isClean) rmSync(folder, { recursive: true })
else console.log(`The logs are in ${folder}`)
process.exitCode = isClean ? status ?? 1 : 1

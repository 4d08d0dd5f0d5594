import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROWS, tableOf, type Row } from './support/table.js'

/*
 * The fault run. Usage: run.ts [--full] [FILE…], by default every test file here.
 * Its settings are in .taprc beside it; the logs of the servers are kept when something fails.
 */

const here = fileURLToPath(new URL('.', import.meta.url))
const args = process.argv.slice(2)
const all = readdirSync(here).filter((file) => file.endsWith('.test.ts')).map((file) => join(here, file))
const files = args.filter((arg) => !arg.startsWith('--'))
const folder = mkdtempSync(join(tmpdir(), 'faults-'))
const env = { ...process.env, FAULTS_FOLDER: folder, TAP_RCFILE: join(here, '.taprc'), ...(args.includes('--full') && { FAULTS: 'full' }) }

const begin = Date.now()
const { status } = spawnSync('tap', ['run', ...(files.length > 0 ? files : all)], { env, stdio: 'inherit' })

const rows = join(folder, ROWS)
if (existsSync(rows)) console.log(`\n${tableOf(readFileSync(rows, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Row))}\n`)
console.log(`${Math.round((Date.now() - begin) / 1000)} s`)
if (status === 0) rmSync(folder, { recursive: true })
else console.log(`The logs are in ${folder}`)
process.exitCode = status ?? 1

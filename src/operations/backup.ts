import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { chmod, link, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { withFolder } from '../db/embedded-folder.js'
import { libpqEnvironment } from '../db/libpq.js'
import { Refused } from './refused.js'

/** The folder of an embedded database; undefined for a PostgreSQL. @throws Refused for one in memory */
function folderOf (url: string): string | undefined {
  if (!url.startsWith('pglite:')) return undefined
  const place = url.slice('pglite:'.length)
  if (place === 'memory') throw new Refused('A database in memory is gone with its process: set DATABASE_URL to another')
  return resolve(place)
}

/**
 * Writes all of a database into a file that does not exist yet: what pg_dump makes of the schema `todo` in its own format, or
 * the compressed folder of an embedded database. A file of that name is always whole. Only its owner may read it.
 * @param url as DATABASE_URL
 * @throws Refused, DatabaseLocked, DatabaseDamaged
 */
export async function backUp (url: string, file: string): Promise<void> {
  if (existsSync(file)) throw new Refused(`${file} exists: a backup overwrites nothing`)
  const folder = folderOf(url)
  const draft = `${file}.${process.pid}`
  try {
    // Made here, so that nobody else can read what comes into it.
    await (await open(draft, 'wx', 0o600)).close()
    if (folder === undefined) await runProgram('pg_dump', ['--format=custom', '--schema=todo', `--file=${draft}`], url)
    else {
      if (!existsSync(folder)) throw new Refused(`There is no embedded database in ${folder}`)
      await withFolder(folder, async (client) => {
        const dump = await client.dumpDataDir('gzip')
        await writeFile(draft, new Uint8Array(await dump.arrayBuffer()), { flush: true })
      })
    }
    // Fails when somebody else has made it meanwhile.
    await link(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
}

/** How the files of both kinds begin. */
const MAGIC = { PostgreSQL: Buffer.from('PGDMP'), 'the embedded database': Buffer.from([0x1f, 0x8b]) }

/**
 * Puts the rows, totals and numbers of a backup into a database that has none.
 * @param isUsed whether somebody has an account in that PostgreSQL
 * @throws Refused, DatabaseLocked, DatabaseDamaged
 */
export async function restore (url: string, file: string, isUsed: () => Promise<boolean>): Promise<void> {
  const folder = folderOf(url)
  const kind = folder === undefined ? 'PostgreSQL' : 'the embedded database'
  const bytes = await readFile(file)
  const magic = MAGIC[kind]
  if (!bytes.subarray(0, magic.length).equals(magic)) throw new Refused(`${file} is no backup of ${kind}`)
  if (folder === undefined) {
    if (await isUsed()) throw new Refused('The database has accounts: a restore overwrites nothing. Drop the schema todo, or name another')
    // The restoring role becomes the owner, whatever role the backup came from.
    const { PGDATABASE: database } = libpqEnvironment(url)
    const options = ['--clean', '--if-exists', '--single-transaction', '--exit-on-error', '--no-owner', `--dbname=${database}`]
    return await runProgram('pg_restore', [...options, file], url)
  }
  if (existsSync(folder)) throw new Refused(`${folder} exists: a restore overwrites nothing. Move it away, or name another folder`)
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
  // Whatever ends it in between, the folder is whole or not there.
  const draft = `${folder}.${process.pid}`
  try {
    await withFolder(draft, async () => {}, new Blob([bytes], { type: 'application/x-gzip' }))
    await chmod(draft, 0o700)
    await rename(draft, folder)
  } finally {
    for (const left of [draft, `${draft}.lock`]) await rm(left, { recursive: true, force: true })
  }
}

/** Runs one of PostgreSQL's own programs. @throws Refused with what it says */
async function runProgram (name: string, args: string[], url: string): Promise<void> {
  const child = spawn(name, args, { env: libpqEnvironment(url), stdio: ['ignore', 'ignore', 'pipe'] })
  let says = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { says += text })
  const [status] = await once(child, 'close').catch((error: NodeJS.ErrnoException) => {
    throw new Refused(`${name} cannot be run (${error.code}): install PostgreSQL's client programs, of the server's version or later`)
  }) as [number | null]
  if (status !== 0) throw new Refused(says.trim() || `${name} ended with ${status}`)
}

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { load, type Sizes } from './data.js'
import { cache, freePort, root, run } from './shell.js'

/** PostgreSQL as it would run: durable, and with room for the data set in memory. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  max_connections: 100,
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // It would come at times of its own; what is left of a measurement is vacuumed before the next.
  autovacuum: 'off'
}

/** A PostgreSQL of the benchmark's own. */
export interface Cluster {
  url: string
  /** What the results depend on, as the server itself says it. */
  settings: Record<string, string>
  stop: () => Promise<void>
}

/**
 * Starts a PostgreSQL on a copy of the loaded data set. The data set is made once and kept in the folder for
 * temporary files, by the migrations and the sizes.
 * @throws when PostgreSQL's programs are not on this machine
 */
export async function startCluster (sizes: Sizes): Promise<Cluster> {
  const bin = binaries()
  mkdirSync(cache, { recursive: true, mode: 0o755 })
  const template = join(cache, `data-${keyOf(sizes, bin)}`)
  if (!existsSync(template)) await makeTemplate(bin, template, sizes)
  const folder = join(cache, `run-${process.pid}`)
  await run('cp', ['-a', '--reflink=auto', template, folder])
  const cluster = await start(bin, folder)
  return {
    ...cluster,
    async stop () {
      await cluster.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

function binaries (): string {
  const folders = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'].filter((folder) => existsSync(folder))
  const bins = folders.flatMap((folder) => readdirSync(folder).sort((a, b) => Number(a) - Number(b)).map((name) => join(folder, name, 'bin')))
  const found = bins.filter((bin) => existsSync(join(bin, 'initdb'))).at(-1)
  if (!found) throw new Error('PostgreSQL is not installed (looked for initdb in /usr/lib/postgresql/*/bin)')
  return found
}

/** The data set depends on the tables, on how it is made, and on the version that reads the files. */
function keyOf (sizes: Sizes, bin: string): string {
  const hash = createHash('sha256').update(JSON.stringify([sizes, bin]))
  hash.update(readFileSync(new URL('data.ts', import.meta.url)))
  const migrations = join(root, 'drizzle')
  for (const name of readdirSync(migrations).sort()) if (name.endsWith('.sql')) hash.update(readFileSync(join(migrations, name)))
  return hash.digest('hex').slice(0, 12)
}

/** PostgreSQL refuses to run as root. */
async function asPostgres (file: string, args: string[]): Promise<string> {
  return process.getuid?.() === 0 ? await run('runuser', ['-u', 'postgres', '--', file, ...args], { cwd: cache }) : await run(file, args)
}

async function makeTemplate (bin: string, template: string, sizes: Sizes): Promise<void> {
  console.log('Loading the data set, once …')
  const folder = `${template}.${process.pid}`
  mkdirSync(folder, { mode: 0o700 })
  if (process.getuid?.() === 0) await run('chown', ['postgres', folder])
  try {
    await asPostgres(join(bin, 'initdb'), ['-D', folder, '-U', 'todo', '-A', 'trust', '-E', 'UTF8', '--locale=C'])
    const cluster = await start(bin, folder)
    try {
      await run(process.execPath, [join(root, 'dist/migrate.js')], {
        cwd: cache, env: { PATH: process.env.PATH, DATABASE_URL: cluster.url, SECRET_KEY: 'nothing is signed by a migration' }
      })
      const sql = postgres(cluster.url, { max: 1, onnotice: () => {} })
      await load(sql, sizes)
      await sql.end()
    } finally {
      await cluster.stop()
    }
    renameSync(folder, template)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function start (bin: string, folder: string): Promise<Cluster> {
  const port = await freePort()
  const settings = Object.entries({ ...SETTINGS, port, unix_socket_directories: folder }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const log = join(folder, 'log')
  await asPostgres(join(bin, 'pg_ctl'), ['-D', folder, '-w', '-s', '-l', log, '-o', settings.join(' '), 'start'])
  const url = `postgres://todo@127.0.0.1:${port}/postgres`
  const sql = postgres(url, { max: 1 })
  const rows = await sql<Array<{ name: string, value: string }>>`
    select name, current_setting(name) as value from pg_settings
    where name in ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')`
  await sql.end()
  return {
    url,
    settings: Object.fromEntries(rows.map(({ name, value }) => [name, value])),
    async stop () { await asPostgres(join(bin, 'pg_ctl'), ['-D', folder, '-w', '-s', '-m', 'fast', 'stop']) }
  }
}

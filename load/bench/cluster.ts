import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { ask, initialize, programFolders, startServer, stopServer } from '../../test/support/postgresql.js'
import { load, type Sizes } from './data.js'
import { cache, root, run } from './shell.js'

/** PostgreSQL as it would run: durable, and with room for the data set in memory. */
const SETTINGS = {
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

const SUPERUSER = 'todo'

/** A PostgreSQL of the benchmark's own. */
export interface Cluster {
  url: string
  /** What the results depend on, as the server itself says it. */
  settings: Record<string, unknown>
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
  const found = programFolders().find((bin) => existsSync(join(bin, 'initdb')))
  if (!found) throw new Error('PostgreSQL is not installed (looked for initdb in /usr/lib/postgresql/*/bin and PATH)')
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

async function makeTemplate (bin: string, template: string, sizes: Sizes): Promise<void> {
  console.log('Loading the data set, once …')
  const folder = `${template}.${process.pid}`
  mkdirSync(folder, { mode: 0o700 })
  try {
    initialize(bin, folder, SUPERUSER)
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
  const server = await startServer(bin, folder, SUPERUSER, Object.entries(SETTINGS).map(([name, value]) => `${name}=${value}`))
  const url = `postgres://${SUPERUSER}@127.0.0.1:${server.port}/postgres`
  const rows = await ask(url, `select name, current_setting(name) as value from pg_settings
    where name in ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')`)
  return {
    url,
    settings: Object.fromEntries(rows.map(({ name, value }) => [name, value])),
    stop: async () => { await stopServer(server) }
  }
}

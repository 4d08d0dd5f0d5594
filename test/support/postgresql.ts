import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { startChild, type Child } from './child.js'
import { freePort } from './free-port.js'
import { until } from './until.js'

/** A PostgreSQL server that runs. */
export interface Server {
  process: Child
  port: number
}

/** Folders with PostgreSQL's programs: those of Debian and Homebrew, the newest version first, then those of PATH. */
export function programFolders (): string[] {
  const packages = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'].filter((folder) => existsSync(folder))
  const newestFirst = (folder: string) => readdirSync(folder).sort((a, b) => version(b) - version(a))
  const versions = packages.flatMap((folder) => newestFirst(folder).map((name) => join(folder, name, 'bin')))
  return [...versions, ...(process.env.PATH ?? '').split(':')]
}

/** Of a folder called `17` or `postgresql@17`. */
const version = (name: string): number => Number(/\d+$/.exec(name)?.[0] ?? 0)

/** PostgreSQL does not run as root: there, the user that its package has made does it. */
function account (): { uid?: number, gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres']))
  return { uid: id('-u'), gid: id('-g') }
}

/**
 * Makes a cluster, as durable as PostgreSQL is by default, to which every connection of this machine is let in.
 * @param bin the folder of PostgreSQL's programs
 * @param data an empty folder
 * @param superuser the name of its superuser
 */
export function initialize (bin: string, data: string, superuser: string): void {
  const user = account()
  if (user.uid !== undefined) chownSync(data, user.uid, user.gid!)
  const options = ['-D', data, '-U', superuser, '-A', 'trust', '-E', 'UTF8', '--locale=C']
  execFileSync(join(bin, 'initdb'), options, { ...user, cwd: data, stdio: 'ignore' })
}

/**
 * Copies a cluster that runs, as a standby of it.
 * @param data an empty folder
 * @param port where it runs
 */
export function copyRunning (bin: string, data: string, superuser: string, port: number): void {
  const user = account()
  if (user.uid !== undefined) chownSync(data, user.uid, user.gid!)
  const options = ['-D', data, '-R', '-X', 'stream', '-c', 'fast', '-h', '127.0.0.1', '-p', String(port), '-U', superuser]
  execFileSync(join(bin, 'pg_basebackup'), options, { ...user, cwd: data, stdio: 'ignore' })
}

/**
 * Starts the server of a cluster, and waits until it takes statements. It logs to `server.log` in the folder.
 * @param settings of postgresql.conf, as `name=value`
 * @param port another than a free one
 */
export async function startServer (
  bin: string, data: string, superuser: string, settings: string[], port?: number
): Promise<Server> {
  const own = port ?? await freePort()
  const options = [`port=${own}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${data}`, ...settings]
  const log = openSync(join(data, 'server.log'), 'a')
  const child = startChild(join(bin, 'postgres'), ['-D', data, ...options.flatMap((option) => ['-c', option])], {
    ...account(), cwd: data, stdio: ['ignore', log, log]
  })
  await until('PostgreSQL takes statements', async () => {
    if (child.hasEnded()) throw new Error(`PostgreSQL has ended; why is in ${data}/server.log`)
    return ask(`postgres://${superuser}@127.0.0.1:${own}/postgres`, 'select 1').then(() => true, () => false)
  })
  return { process: child, port: own }
}

/** Ends it as an operator does: sessions are told. */
export async function stopServer ({ process: child }: Server): Promise<void> {
  child.send('SIGINT')
  await child.ended()
}

/** A statement on a connection of its own. */
export async function ask (url: string, text: string, values: string[] = []): Promise<Array<Record<string, unknown>>> {
  const client = postgres(url, { max: 1, fetch_types: false, connect_timeout: 5, onnotice: () => {} })
  try {
    return [...await client.unsafe(text, values)]
  } finally {
    await client.end({ timeout: 1 })
  }
}

import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import type { Test } from 'tap'
import { startChild, type Child } from './child.js'
import { freePort, need } from './run.js'
import { until } from '../../support/until.js'

/** A PostgreSQL server of the test's own. */
export interface Cluster {
  /** Of an empty database, for a role without privileges. */
  url: string
  /** Starts it, after a crash too, and waits until it takes statements. */
  start: () => Promise<void>
  /** Ends it as an operator does: sessions are told. */
  stop: () => Promise<void>
  /** kill -9 of the server and of every process of it at once. */
  kill: () => Promise<void>
  /** A statement of an operator, on a connection of its own. */
  sql: (text: string, values?: string[]) => Promise<Array<Record<string, unknown>>>
  /** A connection to hold things with. */
  open: (role?: string) => postgres.Sql
}

/** Where Debian's packages put the programs, the newest version first, and then where everything is. */
const places = () => {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  return [...versions.map((version) => join(debian, version, 'bin')), ...(process.env.PATH ?? '').split(':')]
}

/** PostgreSQL does not run as root: there, the user that its package has made does it. */
function account (): { uid?: number, gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres']))
  return { uid: id('-u'), gid: id('-g') }
}

/**
 * Makes a cluster, as durable as PostgreSQL is by default, and starts it.
 * @param settings of postgresql.conf, as `name=value`
 * @returns undefined when PostgreSQL is not installed, and then the test is already skipped
 */
export async function startCluster (t: Test, ...settings: string[]): Promise<Cluster | undefined> {
  const initdb = need(t, 'initdb', places())
  const program = need(t, 'postgres', places())
  if (!initdb || !program) return
  const user = account()
  const data = mkdtempSync(join(tmpdir(), 'faults-postgres-'))
  if (user.uid !== undefined) chownSync(data, user.uid, user.gid!)
  execFileSync(initdb, ['-D', data, '-U', 'operator', '-A', 'trust', '-E', 'UTF8', '--locale=C'], { ...user, cwd: data, stdio: 'ignore' })

  const port = await freePort()
  const options = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${data}`, ...settings]
  const log = openSync(join(data, 'server.log'), 'a')
  const url = (role: string, database: string) => `postgres://${role}@127.0.0.1:${port}/${database}`
  const open = (role = 'operator') => postgres(url(role, 'todo'), { max: 1, fetch_types: false, onnotice: () => {} })
  let child: Child

  const cluster: Cluster = {
    url: url('todo', 'todo'),
    open,

    async start () {
      child = startChild(program, ['-D', data, ...options.flatMap((option) => ['-c', option])], { ...user, cwd: data, stdio: ['ignore', log, log] })
      await until('PostgreSQL takes statements', async () => ask(url('operator', 'postgres'), 'select 1').then(() => true, () => false))
    },

    async stop () {
      child.send('SIGINT')
      await child.ended()
    },

    async kill () {
      const own = [child.pid, ...childrenOf(child.pid)]
      for (const pid of own) process.kill(pid, 'SIGKILL')
      await child.ended()
      await until('every process of PostgreSQL is gone', () => !own.some(lives))
    },

    sql: async (text, values) => ask(url('operator', 'todo'), text, values)
  }

  t.teardown(async () => {
    if (!child.hasEnded()) await cluster.kill()
    rmSync(data, { recursive: true })
  })
  await cluster.start()
  await ask(url('operator', 'postgres'), 'create role todo login')
  await ask(url('operator', 'postgres'), 'create database todo owner todo')
  return cluster
}

async function ask (url: string, text: string, values: string[] = []): Promise<Array<Record<string, unknown>>> {
  const client = postgres(url, { max: 1, fetch_types: false, connect_timeout: 5, onnotice: () => {} })
  try {
    return [...await client.unsafe(text, values)]
  } finally {
    await client.end({ timeout: 1 })
  }
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

/** Whether a process runs. One that only waits to be buried does not. */
function lives (pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

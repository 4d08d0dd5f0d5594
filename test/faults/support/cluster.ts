import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import postgres from 'postgres'
import type { Test } from 'tap'
import { freePort } from '../../support/free-port.js'
import { ask, copyRunning, initialize, programFolders, startServer, stopServer, type Server } from '../../support/postgresql.js'
import { until } from '../../support/until.js'
import { need } from './run.js'

/** The superuser. */
const OPERATOR = 'operator'

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
  /** Makes a standby of it, which follows and takes no writes, and starts that. @returns its URL, for the same role */
  standby: () => Promise<string>
  /** A statement of an operator, on a connection of its own. */
  sql: (text: string, values?: string[]) => Promise<Array<Record<string, unknown>>>
  /** A connection to hold things with. */
  open: (role?: string) => postgres.Sql
}

/**
 * Makes a cluster and starts it.
 * @param settings of postgresql.conf, as `name=value`
 * @returns undefined when PostgreSQL is not installed, and then the test is already skipped
 */
export async function startCluster (t: Test, ...settings: string[]): Promise<Cluster | undefined> {
  const program = need(t, 'initdb', programFolders())
  if (!program) return
  const bin = dirname(program)
  const data = mkdtempSync(join(tmpdir(), 'faults-postgres-'))
  initialize(bin, data, OPERATOR)

  const port = await freePort()
  const url = (role: string, database: string) => `postgres://${role}@127.0.0.1:${port}/${database}`
  const open = (role = OPERATOR) => postgres(url(role, 'todo'), { max: 1, fetch_types: false, onnotice: () => {} })
  let server: Server

  const cluster: Cluster = {
    url: url('todo', 'todo'),
    open,
    start: async () => { server = await startServer(bin, data, OPERATOR, settings, port) },
    stop: async () => { await stopServer(server) },

    async kill () {
      const { process: child } = server
      const own = [child.pid, ...childrenOf(child.pid)]
      for (const pid of own) process.kill(pid, 'SIGKILL')
      await child.ended()
      await until('every process of PostgreSQL is gone', () => !own.some(lives))
    },

    async standby () {
      const copy = mkdtempSync(join(tmpdir(), 'faults-standby-'))
      copyRunning(bin, copy, OPERATOR, port)
      const follower = await startServer(bin, copy, OPERATOR, [...settings, 'hot_standby=on'])
      t.teardown(async () => {
        await stopServer(follower)
        rmSync(copy, { recursive: true })
      })
      return `postgres://todo@127.0.0.1:${follower.port}/todo`
    },

    sql: async (text, values) => ask(url(OPERATOR, 'todo'), text, values)
  }

  t.teardown(async () => {
    if (!server.process.hasEnded()) await cluster.kill()
    rmSync(data, { recursive: true })
  })
  await cluster.start()
  await ask(url(OPERATOR, 'postgres'), 'create role todo login')
  await ask(url(OPERATOR, 'postgres'), 'create database todo owner todo')
  return cluster
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

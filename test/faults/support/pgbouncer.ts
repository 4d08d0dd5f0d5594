import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from '../../support/child.js'
import { freePort } from '../../support/free-port.js'
import { folder, need } from './run.js'
import { until } from '../../support/until.js'

/** What a server may set for its sessions, and PgBouncer does not pass on: as operators tell it to drop. */
const IGNORED = ['extra_float_digits', 'statement_timeout', 'search_path', 'default_transaction_isolation', 'default_transaction_read_only', 'options',
  'IntervalStyle', 'bytea_output', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'client_min_messages']

/** A PgBouncer to test with. */
export interface Program {
  path: string
  version: string
  /** Whether it carries prepared statements through transaction mode. */
  prepares: boolean
}

/**
 * The PgBouncers of this machine: the system's, and another one that `PGBOUNCER` names, as of a version that carries prepared
 * statements.
 */
export function poolers (t: Test): Program[] {
  const own = need(t, 'pgbouncer')
  const other = process.env.PGBOUNCER
  if (!other) t.pass('with a newer PgBouncer', { skip: 'PGBOUNCER names none' })
  return [own, other].filter((path) => path !== undefined).map((path) => {
    const [version = '', major = '', minor = ''] = /(\d+)\.(\d+)\S*/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' })) ?? []
    return { path, version, prepares: Number(major) > 1 || Number(minor) >= 21 }
  })
}

/**
 * Puts PgBouncer in transaction mode in front of a database. It has fewer connections than the server, takes them in turns, and
 * renews them each second: a statement seldom finds the connection that it was prepared on. (Not so 1.18, which ends itself when
 * a statement is cancelled whose connection has lived long enough: "bad server state".)
 * @param drops whether it drops settings that it does not know; otherwise it refuses them, as it does by itself
 * @returns the URL by way of it
 */
export async function startPooler (t: Test, url: string, { path: program, prepares }: Program, drops = false): Promise<string> {
  const { hostname, port: target, username, pathname } = new URL(url)
  const port = await freePort()
  const place = mkdtempSync(join(tmpdir(), 'faults-pgbouncer-'))
  const file = join(place, 'pgbouncer.ini')
  chmodSync(place, 0o755)
  writeFileSync(file, `
[databases]
${pathname.slice(1)} = host=${hostname} port=${target} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
${drops ? `ignore_startup_parameters = ${IGNORED.join(', ')}` : ''}
${prepares ? 'max_prepared_statements = 200\nserver_lifetime = 1' : ''}
`)
  const log = openSync(join(folder, 'pgbouncer.log'), 'a')
  const child = startChild(program, [...(process.getuid?.() === 0 ? ['-u', 'postgres'] : []), file], { stdio: ['ignore', log, log] })
  t.teardown(async () => {
    child.send('SIGKILL')
    await child.ended()
    rmSync(place, { recursive: true })
  })
  const through = new URL(url)
  through.host = `127.0.0.1:${port}`
  await until('PgBouncer listens', async () => fetch(`http://127.0.0.1:${port}`).then(() => true, ({ cause }) => cause?.code !== 'ECONNREFUSED'))
  return through.href
}

import { chmodSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from '../../support/child.js'
import { freePort } from '../../support/free-port.js'
import { folder, need } from './run.js'
import { until } from '../../support/until.js'

/** What a server may set for its sessions, and PgBouncer does not pass on. */
const IGNORED = ['extra_float_digits', 'statement_timeout', 'search_path', 'default_transaction_isolation', 'default_transaction_read_only', 'options',
  'IntervalStyle', 'bytea_output', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'client_min_messages']

/**
 * Puts PgBouncer in transaction mode in front of a database. It has fewer connections than the server, and renews them each
 * second: a statement seldom finds the connection that it was prepared on.
 * @returns the URL by way of it; undefined when it is not installed, and then the test is already skipped
 */
export async function startPooler (t: Test, url: string): Promise<string | undefined> {
  const program = need(t, 'pgbouncer')
  if (!program) return
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
server_lifetime = 1
server_round_robin = 1
ignore_startup_parameters = ${IGNORED.join(', ')}
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

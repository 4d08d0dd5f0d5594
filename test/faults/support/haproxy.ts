import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from '../../support/child.js'
import { freePort } from '../../support/free-port.js'
import { folder, need } from './run.js'
import { until } from '../../support/until.js'

/**
 * Puts HAProxy in front of servers, as docs/reliability.md shows it: it asks each for /ready, and tries another one
 * only when a connection could not be made.
 * @returns its port; undefined when it is not installed, and then the test is already skipped
 */
export async function startBalancer (t: Test, ports: number[]): Promise<number | undefined> {
  const program = need(t, 'haproxy')
  if (!program) return
  const port = await freePort()
  const place = mkdtempSync(join(tmpdir(), 'faults-haproxy-'))
  const file = join(place, 'haproxy.cfg')
  writeFileSync(file, `
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 30s
  timeout check 2s
  option redispatch
listen todo
  bind 127.0.0.1:${port}
  option httpchk GET /ready
  http-response set-header X-Served-By %s
  default-server check inter 500ms fall 1 rise 1
${ports.map((one) => `  server todo-${one} 127.0.0.1:${one}`).join('\n')}
`)
  const log = openSync(join(folder, 'haproxy.log'), 'a')
  const child = startChild(program, ['-db', '-f', file], { stdio: ['ignore', log, log] })
  t.teardown(async () => {
    child.send('SIGKILL')
    await child.ended()
    rmSync(place, { recursive: true })
  })
  await until('HAProxy answers', async () => fetch(`http://127.0.0.1:${port}/ready`).then(({ ok }) => ok, () => false))
  return port
}

/** Waits until the balancer sends requests to the server on a port. */
export async function servedBy (balancer: number, port: number): Promise<void> {
  await until(`HAProxy sends requests to ${port}`, async () => {
    const { headers } = await fetch(`http://127.0.0.1:${balancer}/health`)
    return headers.get('x-served-by') === `todo-${port}`
  })
}

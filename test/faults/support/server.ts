import { openSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { Settings } from '../../../src/config/settings.js'
import { startChild, type Child } from '../../support/child.js'
import { freePort } from '../../support/free-port.js'
import { NOISE, folder } from './run.js'
import { until } from '../../support/until.js'

/** The server as it is shipped: built, in a process of its own, as in production. */
export interface Server {
  port: number
  child: Child
  /** The file of its log. */
  log: string
  /** SIGTERM. @returns its status or signal, and the milliseconds until it had ended */
  stop: () => Promise<{ end: number | string, ms: number }>
  /** kill -9. */
  kill: () => Promise<void>
  /** Its own figures from /proc: bytes of memory, open files, threads. */
  figures: () => { rss: number, files: number, threads: number }
}

export interface ServerOptions {
  port?: number
  /** What `node` runs; the built server by default. */
  program?: string[]
  /** Where it is started; in the folder of the run by default. */
  cwd?: string
}

const built = fileURLToPath(new URL('../../../dist/server.js', import.meta.url))

/** Hashes are cheap where they are not the subject, and nothing is limited. */
const quick = { ARGON2_MEMORY_KIB: '64', ARGON2_TIME_COST: '1', RATE_LIMIT: 'off' }

let started = 0

/**
 * Starts a server and waits until it answers /health. When the test ends, so does the server. Its log is searched when the
 * whole run is over.
 * @param settings at least DATABASE_URL
 */
export async function startServer (t: Test, settings: NodeJS.ProcessEnv, options: ServerOptions = {}): Promise<Server> {
  const { port = await freePort(), program = [built], cwd = folder } = options
  const log = join(folder, `server-${process.pid}-${++started}.log`)
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !(name in Settings.properties) && name !== 'NODE_OPTIONS'))
  const child = startChild(process.execPath, program, {
    cwd,
    env: { ...env, NODE_ENV: 'production', HOST: '127.0.0.1', PORT: String(port), SECRET_KEY, ...quick, ...settings },
    stdio: ['ignore', openSync(log, 'a'), openSync(`${log}.err`, 'a')]
  })

  const server: Server = {
    port,
    child,
    log,
    async stop () {
      const start = performance.now()
      child.send('SIGTERM')
      return { end: await child.ended(), ms: performance.now() - start }
    },
    async kill () {
      child.send('SIGKILL')
      await child.ended()
    },
    figures: () => figuresOf(child.pid)
  }
  t.teardown(async () => {
    if (!child.hasEnded()) await server.kill()
    const errors = readFileSync(`${log}.err`, 'utf8')
    if (errors) throw new Error(`on the standard error of a server: ${errors}`)
  })
  await until('the server answers', async () => {
    if (child.hasEnded()) throw new Error(`the server did not start: ${readFileSync(`${log}.err`, 'utf8')}`)
    return isHealthy(port)
  }, 30 * NOISE)
  return server
}

/** What signs the tokens of the servers. */
export const SECRET_KEY = 'kF9v2xQ7mZ4tB8nR1wY6cH3jL5pS0dGa'

const isHealthy = async (port: number) => fetch(`http://127.0.0.1:${port}/health`).then(({ ok }) => ok, () => false)

function figuresOf (pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return { rss: field('VmRSS') * 1024, files: readdirSync(`/proc/${pid}/fd`).length, threads: field('Threads') }
}

import { openSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Redis } from 'ioredis'
import { startChild, type Child } from '../../support/child.js'
import { freePort } from '../../support/free-port.js'
import { folder, need } from './run.js'
import { until } from '../../support/until.js'

/** A Redis of the test's own, which keeps nothing when it ends. */
export interface OwnRedis {
  url: string
  start: () => Promise<void>
  /** kill -9. */
  kill: () => Promise<void>
  /** Lets it take connections and bytes, and do nothing with them. */
  freeze: () => void
  thaw: () => void
}

/** @returns undefined when Redis is not installed, and then the test is already skipped */
export async function startRedis (t: Test): Promise<OwnRedis | undefined> {
  const program = need(t, 'redis-server')
  if (!program) return
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const log = openSync(join(folder, 'redis.log'), 'a')
  let child: Child

  const redis: OwnRedis = {
    url,
    async start () {
      child = startChild(program, ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { cwd: folder, stdio: ['ignore', log, log] })
      await until('Redis answers', async () => isThere(url))
    },
    async kill () {
      child.send('SIGKILL')
      await child.ended()
    },
    freeze () { child.send('SIGSTOP') },
    thaw () { child.send('SIGCONT') }
  }
  t.teardown(redis.kill)
  await redis.start()
  return redis
}

async function isThere (url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => {})
  return client.connect().then(() => true, () => false).finally(() => { client.disconnect() })
}

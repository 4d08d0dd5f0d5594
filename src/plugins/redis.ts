import type { FastifyInstance } from 'fastify'
import type { Redis } from 'ioredis'
import { throttle } from '../log/throttle.js'

/** Milliseconds. A request waits for Redis no longer than this; the connection is then given up. */
const PATIENCE = 250

/** Milliseconds between two attempts to connect. */
const RETRY = 1000

/** One line of the log about a Redis in as much time, however many connections there are to it. */
const isTimeToLog = throttle(RETRY)

/**
 * A Redis that nothing depends on: a command fails at once when it is not answered at once.
 * @param app it is connected when the application is ready, and closed with it
 * @param url `redis://…` or `rediss://…`
 * @param isSilent whether it waits for messages, so that nothing may come for long
 */
export async function connectRedis (app: FastifyInstance, url: string, { isSilent = false } = {}): Promise<Redis> {
  const { default: { Redis } } = await import('ioredis')
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: PATIENCE,
    commandTimeout: PATIENCE,
    ...(!isSilent && { socketTimeout: PATIENCE }),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // The driver waits for nobody's answer to what it subscribes to again: a late one would end the process.
    // (redis/ioredis#2187, not yet in a release)
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => RETRY
  })
  redis.on('error', ({ message }: Error) => {
    if (isTimeToLog(url)) app.log.warn({ reason: message }, 'Redis unavailable; this process does without')
  })
  app.addHook('onReady', async () => { await redis.connect().catch(() => {}) })
  app.addHook('onClose', async () => { redis.disconnect() })
  return redis
}

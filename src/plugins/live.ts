import { randomUUID } from 'node:crypto'
import fp from 'fastify-plugin'
import type { Hub } from '../sync/hub.js'
import { connectRedis } from './redis.js'

declare module 'fastify' {
  interface FastifyInstance {
    live: Pick<Hub, 'listen' | 'count'> & {
      /** Says that an owner's tasks have changed: here at once, and to the other processes. */
      wrote: (owner: string) => void
    }
  }
}

/** The channel on which processes publish the owners whose tasks have changed. */
const CHANNEL = 'todo-backend:changed'

/** The options of live events. */
export interface LiveOptions {
  hub: Hub
  /** How processes tell each other; without it they ask the database every second. */
  redisUrl: string | undefined
}

/** Notifies listeners of changes, here and in other processes. A message is only a hint: a lost one costs a second. */
export const livePlugin = fp<LiveOptions>(async (app, { hub, redisUrl }) => {
  const self = randomUUID()
  let publish: (owner: string) => void = () => {}

  if (redisUrl !== undefined) {
    const redis = await connectRedis(app, redisUrl)
    const subscriber = await connectRedis(app, redisUrl, { isSilent: true })
    publish = (owner) => { redis.publish(CHANNEL, `${self} ${owner}`).catch(() => {}) }
    subscriber.on('message', (_channel, message) => {
      const [from, owner] = message.split(' ')
      if (from !== self && owner !== undefined) hub.look(owner)
    })
    // Also after each time that Redis was away. A connection that gets no answer would never bring anything: the next one may.
    subscriber.on('ready', () => { subscriber.subscribe(CHANNEL).catch(() => { subscriber.disconnect(true) }) })
  }

  app.decorate('live', {
    listen: hub.listen,
    count: hub.count,
    wrote (owner: string) {
      hub.look(owner)
      publish(owner)
    }
  })
  app.addHook('preClose', async () => { hub.close() })
}, { name: 'live', dependencies: ['shutdown'] })

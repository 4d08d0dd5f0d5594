import fp from 'fastify-plugin'
import { methodOf, routeOf, statusOf } from '../http/observed.js'
import type { Metrics } from '../metrics/prometheus.js'

/** What metrics take: how many there may be at a time. */
export interface MetricsOptions {
  metrics: Metrics
  most: { requests: number, passwords: number, streams: number, statements: number }
}

/** Times each request whose turn has come, until its answer is out or its client has gone. */
export const metricsPlugin = fp<MetricsOptions>(async (app, { metrics, most }) => {
  let active = 0

  app.addHook('onRequest', (request, reply, done) => {
    active++
    reply.raw.on('close', () => {
      active--
      // Of a client that has gone nginx writes 499.
      metrics.meters.request(methodOf(request), routeOf(request) ?? 'unknown', String(statusOf(reply) ?? 499), reply.elapsedTime / 1000)
    })
    done()
  })

  app.addHook('onReady', async () => {
    const { places: { requests, hashes }, live, db } = app
    metrics.watch({
      active: () => active,
      queues: {
        requests: { used: requests.count, max: most.requests },
        passwords: { used: hashes.count, max: most.passwords },
        streams: { used: live.count, max: most.streams },
        statements: { used: () => db.load().statements, max: most.statements }
      },
      database: db
    })
  })
}, { name: 'metrics', dependencies: ['turns'] })

import { createServer, type ServerResponse } from 'node:http'
import type { Metrics } from './prometheus.js'

interface Log {
  info: (facts: object, message: string) => void
  warn: (facts: object, message: string) => void
}

/** Connections at a time: whoever asks for figures must not cost the API anything. */
const MAX_CONNECTIONS = 20

/** Milliseconds for the headers of a request, and for all of it. */
const PATIENCE = 10_000

/**
 * Serves the metrics at /metrics, on a port of their own. One that cannot be had is a line of the log: the API does not care.
 * @param place where to listen
 * @returns what ends it
 */
export function serveMetrics (metrics: Pick<Metrics, 'text' | 'stop'>, place: { host: string, port: number }, log: Log): () => Promise<void> {
  const server = createServer({ requestTimeout: PATIENCE, headersTimeout: PATIENCE }, ({ url, method }, response) => {
    if (url!.split('?', 1)[0] !== '/metrics') response.writeHead(404).end()
    else if (method !== 'GET' && method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end()
    else void answer(response)
  })

  async function answer (response: ServerResponse): Promise<void> {
    try {
      const { type, body } = await metrics.text()
      response.writeHead(200, { 'content-type': type }).end(body)
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'metrics not served')
      response.writeHead(500).end()
    }
  }

  server.maxConnections = MAX_CONNECTIONS
  server.on('error', ({ message }) => { log.warn({ reason: message }, 'metrics not served') })
  server.listen(place, () => { log.info({ metrics: server.address() }, 'metrics served') })
  return async () => {
    metrics.stop()
    server.close()
    server.closeAllConnections()
  }
}

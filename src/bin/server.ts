import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Mail } from '../accounts/mails.js'
import { buildApp } from '../app.js'
import { loadConfig } from '../config/load.js'
import type { Config } from '../config/settings.js'
import { connect } from '../db/connect.js'
import type { Database } from '../db/database.js'
import { keepStarted } from '../db/keep-started.js'
import { startSweeps } from '../db/sweeps.js'
import { fatal } from './fatal.js'
import { logOutput } from '../log/output.js'
import { readable } from '../log/readable.js'
import { prometheus } from '../metrics/prometheus.js'
import { serveMetrics } from '../metrics/serve.js'
import { sweepOfChanges, sweepOfEndings, sweepOfKeys, sweepOfSessions } from '../repositories/sweeps.js'
import type { Traces } from '../traces/traces.js'

/** Milliseconds after which the server listens, whether its database has started or not. */
const PATIENCE = 3000

/**
 * Milliseconds after the server stops accepting connections: at the first, requests still in flight are cut off; at the second,
 * the process exits in any case. Both are within the 10 seconds after which supervisors usually kill.
 */
const GRACE = 5000
const END = 6000

try {
  const config = loadConfig()
  const database = connect(config)
  // A person reads what is in a terminal, a program what is in a pipe.
  const { stdout } = process
  const output = stdout.isTTY ? logOutput(await readable(stdout.hasColors())) : logOutput()
  const metrics = config.METRICS_PORT === undefined ? undefined : await prometheus(config.API_VERSION)
  const traces = await tracing(config, (reason) => { app.log.warn({ reason }, 'traces not sent') })
  const app = await buildApp(config, database, { output, print: printMail, metrics, traces })
  stopOnSignal(app, config.SHUTDOWN_DRAIN_SECONDS)
  if (metrics) app.addHook('onClose', serveMetrics(metrics, { host: config.HOST, port: config.METRICS_PORT! }, app.log))
  app.addHook('onClose', startSweeps(app.db, [
    sweepOfChanges(config.CHANGES_DAYS), sweepOfKeys(config.IDEMPOTENCY_DAYS),
    sweepOfSessions(config.SESSION_IDLE_DAYS, config.SESSION_MAX_DAYS), sweepOfEndings
  ], app.log))
  const isReady = await startInTime(database, app)
  const base = await app.listen({ host: config.HOST, port: config.PORT })
  announce(base, app, config, isReady ? database.label : `${database.label}, not ready yet`)
} catch (error) {
  fatal(error)
}

/** The first request should find the server ready, but listening does not wait for a database that is unavailable or busy. */
async function startInTime (database: Database, app: FastifyInstance): Promise<boolean> {
  const started = keepStarted(database, app.log, fatal)
  return database.isRemote ? await Promise.race([started, sleep(PATIENCE, false)]) : await started
}

/** Loads what traces take, where they are wanted. @param log told when nobody takes them */
async function tracing (config: Config, log: (reason: string) => void): Promise<Traces | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio, OTEL_SERVICE_NAME: service } = config
  if (endpoint === undefined) return undefined
  const { otlp } = await import('../traces/otlp.js')
  return otlp({ endpoint, ratio, service, version: config.API_VERSION, log })
}

/**
 * SIGTERM and SIGINT finish the requests in flight, close the database and end with status 0.
 * @param drain seconds for which connections are still accepted, so that a load balancer sees that /ready is 503
 */
function stopOnSignal (app: FastifyInstance, drain: number): void {
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // `on`, not `once`: Ctrl-C reaches a process under npm twice, and the second must not kill it.
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      const { requests, hashes } = app.places
      app.log.info({ signal, requests: requests.count(), hashes: hashes.count() }, 'stopping')
      app.drain()
      setTimeout(() => { close(app) }, app.server.listening ? drain * 1000 : 0)
    })
  }
}

function close (app: FastifyInstance): void {
  const end = () => { process.exit(0) }
  setTimeout(() => { app.server.closeAllConnections() }, GRACE).unref()
  setTimeout(end, END).unref()
  void app.close().then(end)
}

/** Tells where everything is: a person in a few lines, a log collector in one. */
function announce (base: string, app: FastifyInstance, config: Config, database: string): void {
  const facts = { api: `${base}/api`, docs: `${base}/docs`, redoc: `${base}/redoc`, database }
  const tryIt = `curl -X POST ${base}/api/auth/signup -H 'Content-Type: application/json' ` +
    '-d \'{"email":"ada@example.com","password":"correct horse battery staple","name":"Ada"}\''
  if (config.NODE_ENV === 'production') app.log.info({ ...facts, try: tryIt }, 'listening')
  else {
    console.log(`
${config.API_TITLE} ${config.API_VERSION}
  API            ${facts.api}
  Documentation  ${facts.docs} (try it), ${facts.redoc} (read it)
  Database       ${facts.database}
  Try            ${tryIt}
`)
  }
}

/** Without a mail server a developer reads the mails here. */
function printMail ({ to, subject, text }: Mail): void {
  console.log(`\n--- mail to ${to}: ${subject}\n${text}---\n`)
}

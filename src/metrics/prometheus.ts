import type { Gauge } from 'prom-client'
import type { Database } from '../db/database.js'
import type { Meters } from './meters.js'
import { DELAYS, cpuTimes, eventLoopTimes, watchEventLoop } from './process.js'

/** Seconds: the buckets of OpenTelemetry for requests (Semantic Conventions, "HTTP metrics"), and finer ones for statements. */
const REQUESTS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const STATEMENTS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Milliseconds that a database gets to answer whoever asks for the metrics. */
const PATIENCE = 1000

/** Places of which there is a number: a request without one is refused. */
export interface Queue { used: () => number, max: number }

/** Figures that are looked up when somebody asks. */
export interface Figures {
  /** Requests in progress. */
  active: () => number
  /** By the names that the log has for them. */
  queues: Record<string, Queue>
  database: Pick<Database, 'load' | 'ping'>
}

/**
 * The metrics as Prometheus reads them, by the names of OpenTelemetry's semantic conventions where they have one. No label has
 * a value that a client could make up. Loaded only where they are wanted.
 * @param version of the product, for `todo_build_info`
 */
export async function prometheus (version: string) {
  const prom = (await import('prom-client')).default
  const register = new prom.Registry()
  const registers = [register]
  const loop = watchEventLoop()
  let look = async (): Promise<void> => {}

  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new prom.Counter({ name, help, labelNames, registers })
  const histogram = <Label extends string>(name: string, help: string, buckets: number[], labelNames: Label[] = []) =>
    new prom.Histogram({ name, help, buckets, labelNames, registers })

  /** What is looked up, by the values of a label. */
  const gauge = (name: string, help: string, read: () => number) =>
    new prom.Gauge({ name, help, registers, collect () { this.set(read()) } })
  const gauges = <Label extends string>(name: string, help: string, label: Label, read: () => Record<string, number>) =>
    new prom.Gauge({ name, help, labelNames: [label], registers, collect () { setAll(this, label, read()) } })
  /** The same for what only grows. */
  const totals = <Label extends string>(name: string, help: string, label: Label, read: () => Record<string, number>) =>
    new prom.Counter({
      name,
      help,
      labelNames: [label],
      registers,
      collect () {
        this.reset()
        for (const [value, total] of Object.entries(read())) this.inc({ [label]: value } as never, total)
      }
    })

  const requests = histogram('http_server_request_duration_seconds', 'Duration of requests', REQUESTS,
    ['http_request_method', 'http_route', 'http_response_status_code'])
  const statements = histogram('db_client_operation_duration_seconds', 'Duration of statements, waiting for a connection included', STATEMENTS,
    ['db_query_summary', 'error_type'])
  const refusals = counter('todo_rate_limit_refusals_total', 'Requests and mails that a rate limit has refused', ['limit'])
  const sheds = counter('todo_unavailable_answers_total', 'Answers with status 503', ['reason'])
  const delays = histogram('todo_sync_delay_seconds', 'From a change until those who listen are told', REQUESTS)
  const mails = counter('todo_mails_total', 'Mails', ['outcome'])
  // An increase is seen only from a number that was there.
  for (const outcome of ['sent', 'failed']) mails.inc({ outcome }, 0)
  const late = Object.fromEntries(DELAYS.map((name) => [name, new prom.Gauge({
    name: `nodejs_eventloop_delay_${name}_seconds`, help: 'How late the event loop was since somebody asked last', registers
  })]))

  totals('nodejs_eventloop_time_seconds_total', 'Time of the event loop', 'nodejs_eventloop_state', eventLoopTimes)
  totals('process_cpu_time_seconds_total', 'Time of the processor', 'cpu_mode', cpuTimes)
  gauge('process_memory_usage_bytes', 'Resident memory', () => process.memoryUsage.rss())
  gauge('process_uptime_seconds', 'Time since the start', () => process.uptime())
  new prom.Gauge({ name: 'todo_build_info', help: 'What runs', labelNames: ['version', 'node'], registers })
    .set({ version, node: process.versions.node }, 1)

  const meters: Meters = {
    request: (method, route, status, seconds) => {
      requests.observe({ http_request_method: method, http_route: route, http_response_status_code: status }, seconds)
    },
    statement: (name, error, seconds) => { statements.observe({ db_query_summary: name, error_type: error }, seconds) },
    refused: (limit) => { refusals.inc({ limit }) },
    shed: (reason) => { sheds.inc({ reason }) },
    told: (seconds) => { delays.observe(seconds) },
    mailed: (outcome) => { mails.inc({ outcome }) }
  }

  return {
    meters,

    /** Says where the figures are. */
    watch ({ active, queues, database }: Figures): void {
      const each = (read: (queue: Queue) => number) => () =>
        Object.fromEntries(Object.entries(queues).map(([name, queue]) => [name, read(queue)]))
      gauge('http_server_active_requests', 'Requests in progress, streams of events among them', active)
      gauges('todo_queue_used', 'Places that are taken', 'queue', each(({ used }) => used()))
      gauges('todo_queue_max', 'Places that there are', 'queue', each(({ max }) => max))
      const up = new prom.Gauge({ name: 'todo_database_up', help: 'Whether the database answers', registers })
      look = async () => { up.set(await isThere(database) ? 1 : 0) }
      gauges('db_client_connection_count', 'Connections to the database', 'db_client_connection_state', () => {
        const { open, used } = database.load()
        return { used, idle: Math.max(0, open - used) }
      })
      gauge('db_client_connection_max', 'Connections to the database at most', () => database.load().max)
      gauge('db_client_connection_pending_requests', 'Statements without a connection yet', () => database.load().waiting)
    },

    /** @returns all of it, in the text format of Prometheus, and the media type of that */
    async text (): Promise<{ type: string, body: string }> {
      // Before the rest, where it would be counted.
      await look()
      for (const [name, seconds] of Object.entries(loop.delays())) late[name]!.set(seconds)
      return { type: register.contentType, body: await register.metrics() }
    },

    stop: loop.stop
  }
}
export type Metrics = Awaited<ReturnType<typeof prometheus>>

function setAll<Label extends string> (gauge: Gauge<Label>, label: Label, values: Record<string, number>): void {
  for (const [value, number] of Object.entries(values)) gauge.set({ [label]: value } as never, number)
}

/** Whoever is late is away. */
async function isThere (database: Pick<Database, 'ping'>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => { timer = setTimeout(resolve, PATIENCE, false) })
  return await Promise.race([late, database.ping().then(() => true, () => false)]).finally(() => { clearTimeout(timer) })
}

import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, defaultTextMapGetter, trace, type Context } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler
} from '@opentelemetry/sdk-trace-base'
import { kindOf } from '../metrics/measured.js'
import type { Traces } from './traces.js'

/** Where traces go, and how many. */
export interface TraceOptions {
  /** The base URL of the collector: spans go to `/v1/traces` there. */
  endpoint: string
  /** Of the traces that are recorded, 0 to 1. */
  ratio: number
  service: string
  version: string
  /** Told that a collector takes nothing; at most once in a while. */
  log: (reason: string) => void
  /** Milliseconds between two batches, where OTEL_BSP_SCHEDULE_DELAY does not say it. */
  delay?: number
}

/** Milliseconds that a collector gets for a batch, and that the end of the process waits for it. */
const PATIENCE = 5000
const END = 1000

/** Milliseconds between two lines about a collector. */
const LOG_INTERVAL = 30_000

/** What a statement belongs to, until the answer is made. */
interface Scope { context: Context, isOpen: boolean }

/**
 * Records spans and sends them to a collector over OTLP, in the background: one that is away costs the oldest spans. This file
 * is loaded only where traces are wanted. Nothing is patched and nothing global is set, as it is a part of a bundle.
 */
export function otlp ({ endpoint, ratio, service, version, log, delay }: TraceOptions): Traces {
  const batches = delay === undefined ? {} : { scheduledDelayMillis: delay }
  // The id of a trace decides, in each service with the same ratio alike; a client's flag does not, or anybody could turn it on.
  const root = new TraceIdRatioBasedSampler(ratio)
  const provider = new BasicTracerProvider({
    sampler: new ParentBasedSampler({ root, remoteParentSampled: root, remoteParentNotSampled: root }),
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': version })
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new TellingExporter(endpoint, log), batches)]
  })
  const tracer = provider.getTracer(service, version)
  const propagator = new W3CTraceContextPropagator()
  const scopes = new AsyncLocalStorage<Scope>()

  return {
    begin ({ method, route, path, headers }) {
      const span = tracer.startSpan(
        route === undefined ? method : `${method} ${route}`,
        { kind: SpanKind.SERVER },
        propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
      )
      const { traceId, spanId, traceFlags } = span.spanContext()
      // Most are not recorded, and cost as little as can be.
      const isRecorded = span.isRecording()
      const scope = { context: trace.setSpan(ROOT_CONTEXT, span), isOpen: isRecorded }
      if (isRecorded) {
        span.setAttributes({ 'http.request.method': method, 'url.path': path, 'url.scheme': 'http' })
        if (route !== undefined) span.setAttribute('http.route', route)
      }
      return {
        traceId,
        response: `00-${traceId}-${spanId}-0${traceFlags}`,
        within: isRecorded ? (work) => { scopes.run(scope, work) } : (work) => { work() },
        leave: () => { scope.isOpen = false },
        end (status) {
          scope.isOpen = false
          if (status === undefined) span.setAttribute('error.type', 'aborted')
          else span.setAttribute('http.response.status_code', status)
          if (status !== undefined && status >= 500) {
            span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', String(status))
          }
          span.end()
        }
      }
    },

    async statement (name, run) {
      const scope = scopes.getStore()
      if (!scope?.isOpen) return await run()
      const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': name }
      const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, scope.context)
      return await run().catch((error: unknown) => {
        span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', kindOf(error))
        throw error
      }).finally(() => { span.end() })
    },

    async close () {
      await Promise.race([Promise.allSettled([provider.shutdown()]), sleep(END, undefined, { ref: false })])
    }
  }
}

/** The exporter itself tells nobody when it fails. */
class TellingExporter extends OTLPTraceExporter {
  private nextLine = 0

  constructor (endpoint: string, private readonly log: (reason: string) => void) {
    super({ url: `${endpoint.replace(/\/$/, '')}/v1/traces`, timeoutMillis: PATIENCE })
  }

  override export (...[spans, done]: Parameters<OTLPTraceExporter['export']>): void {
    super.export(spans, (result) => {
      if (result.error && Date.now() >= this.nextLine) {
        this.nextLine = Date.now() + LOG_INTERVAL
        this.log(result.error.message)
      }
      done(result)
    })
  }
}

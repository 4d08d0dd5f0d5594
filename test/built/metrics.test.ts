import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { startServer } from '../faults/support/server.js'
import { freePort } from '../support/free-port.js'
import { parsed } from '../support/metrics.js'
import { startCollector, type ReceivedSpan } from '../support/otlp.js'
import { askedFor } from '../support/queries.js'
import { until } from '../support/until.js'

/*
 * The dashboard and the alerts in ops/ ask for what the built server says. The rules themselves are tried by promtool, of
 * Debian's package `prometheus`, where it is installed.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const read = (file: string) => readFileSync(`${root}ops/${file}`, 'utf8')

/** Where Prometheus itself adds a label. */
const ADDED = ['instance', 'job']

const port = await freePort()
const collector = await startCollector(t)
const settings = {
  NODE_ENV: '',
  DATABASE_URL: 'pglite:memory',
  METRICS_PORT: String(port),
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_BSP_SCHEDULE_DELAY: '20'
}
const server = await startServer(t, settings)
await run('bash', [`${root}.ci/smoke`, `http://127.0.0.1:${server.port}`])
const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
const series = parsed(text)

/** All names, those without a series yet among them. */
const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
const emitted = new Set(types.flatMap(([, name, type]) => type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : name!))

t.test('the bundle sends traces: requests, and their statements within them', async (t) => {
  const isCreation = ({ name }: ReceivedSpan) => name === 'tasks.create'
  await until('it has sent them', () => collector.spans.some(isCreation))
  const creation = collector.spans.find(isCreation)!
  await until('the request has come', () => collector.spans.some(({ spanId }) => spanId === creation.parent))
  t.match(collector.spans.find(({ spanId }) => spanId === creation.parent), { name: 'POST /api/tasks', traceId: creation.traceId })
})

interface Panel { targets: Array<{ expr: string }> }
const { panels } = JSON.parse(read('grafana/todo-backend.json')) as { panels: Panel[] }
const sources = {
  'the dashboard': panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  'the alerts': [read('prometheus/rules.yml').replaceAll(/^\s*(#|summary|runbook|- record|- alert).*$/gm, '')]
}

for (const [what, queries] of Object.entries(sources)) {
  t.test(`${what} ask for metrics and labels that a running server has`, async (t) => {
    const { names, labels } = askedFor(queries)
    t.ok(names.size > 5)
    for (const name of names) t.ok(emitted.has(name), name)
    for (const [name, wanted] of labels) {
      const one = series.find((each) => each.name === name)
      for (const label of wanted) if (one && !ADDED.includes(label)) t.ok(label in one.labels, `${label} of ${name}`)
    }
  })
}

t.test('each metric of a server is in docs/operations.md, and each alert has its entry there', async (t) => {
  const guide = readFileSync(`${root}docs/operations.md`, 'utf8')
  for (const [, name] of types) t.match(guide, `\`${name!}`, name!)
  for (const [, alert] of read('prometheus/rules.yml').matchAll(/- alert: (\w+)/g)) t.match(guide, `### ${alert!}\n`, alert!)
})

t.test('promtool finds nothing wrong with the metrics, the rules and what they do', async (t) => {
  if (!await run('promtool', ['--version']).catch(() => null)) return t.comment('no promtool here')
  await t.resolves(run('promtool', ['check', 'rules', 'rules.yml'], { cwd: `${root}ops/prometheus` }))
  await t.resolves(run('promtool', ['check', 'config', 'prometheus.yml'], { cwd: `${root}ops/prometheus` }))
  await t.resolves(run('promtool', ['test', 'rules', 'rules.test.yml'], { cwd: `${root}ops/prometheus` }))
  const check = run('promtool', ['check', 'metrics'])
  check.child.stdin!.end(text)
  // The name of OpenTelemetry's conventions is against a rule of Prometheus.
  const { stderr } = await check.catch((error: { stderr: string }) => error)
  t.strictSame(stderr.trim().split('\n'), ['db_client_connection_count non-histogram and non-summary metrics should not have "_count" suffix'])
})

import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { startCluster } from './bench/cluster.js'
import { buildAll, contenderNames, serverBefore, startContender, type Contender } from './bench/contenders.js'
import { CHECKED, checkContract } from './bench/contract.js'
import { endpoints } from './bench/endpoints.js'
import { chooseGenerator } from './bench/generator.js'
import { measureInTurns, summary, tokenOf, type Bench } from './bench/measure.js'
import { chart, figuresText, toJson, verdictsText, withFigures, type Table } from './bench/report.js'
import { measureBesideLogins, measureLogins, measurePages, startVerdicts } from './bench/special.js'
import { measureStreams } from './bench/streams.js'
import { compare } from './bench/targets.js'

const USAGE = `npm run bench -- [options]
  --quick              the endpoints with a target against go, small data set, without drizzle-plain, in under two minutes
  --json FILE          writes the figures for programs
  --chart FILE         writes the figures as an SVG picture
  --doc FILE           writes the figures between the marks of a Markdown document, and the picture beside it
  --only NAMES         contenders, comma-separated (${contenderNames.join(',')})
  --before REVISION    the server of an earlier commit as one more contender
  --endpoints NAMES    endpoints, comma-separated
  --streams            streams of events too, also with --quick or --endpoints
  --rounds N           rounds, of which the medians count (5; quick 2)
  --seconds N          of one measurement (4; quick 1)
  --connections N      64
  --pool N             connections to PostgreSQL, of everybody (4)`

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    chart: { type: 'string' },
    doc: { type: 'string' },
    only: { type: 'string' },
    before: { type: 'string' },
    endpoints: { type: 'string' },
    streams: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '64' },
    pool: { type: 'string', default: '4' },
    help: { type: 'boolean', default: false }
  }
})
if (options.help) {
  console.log(USAGE)
  process.exit()
}

const QUICK = 'list,get,create,complete'
const sizes = options.quick ? { users: 500, large: [] } : { users: 1000, large: [100_000, 1_000_000] }
// No target is about drizzle-plain.
const only = options.only ?? contenderNames.filter((name) => !options.quick || name !== 'drizzle-plain').join(',')
const chosen = (options.endpoints ?? (options.quick ? QUICK : endpoints.map(({ name }) => name).join())).split(',')
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5))
const secret = randomBytes(32).toString('hex')

const stops: Array<() => Promise<void>> = []
try {
  const earlier = options.before === undefined ? [] : [serverBefore(options.before)]
  const [cluster, built] = await Promise.all([startCluster(sizes), buildAll(only.split(','), ...earlier)])
  stops.push(cluster.stop)
  const sql = postgres(cluster.url, { max: 1, onnotice: () => {} })
  stops.push(async () => sql.end())
  const generator = await chooseGenerator()
  const contenders: Contender[] = []
  const launches = new Map<string, () => Promise<Contender>>()
  for (const { name, command } of built) {
    const token = tokenOf(CHECKED, secret)
    const setting = { databaseUrl: cluster.url, secret, poolSize: Number(options.pool), token }
    launches.set(name, async () => startContender(name, command, setting))
    const contender = await launches.get(name)!()
    stops.push(contender.stop)
    contenders.push(contender)
    await checkContract(contender, token)
  }
  const bench: Bench = {
    sql,
    drive: generator.drive,
    secret,
    connections: Number(options.connections),
    seconds: Number(options.seconds ?? (options.quick ? 1 : 4))
  }
  const machine = {
    cpu: `${cpus().length} × ${cpus()[0]!.model}`,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    postgresql: cluster.settings,
    generator: `${generator.name}, ${bench.connections} connections`,
    rounds: `${rounds} of ${bench.seconds} s`
  }
  console.log(JSON.stringify(machine, null, 2))

  const table: Table = new Map()
  for (const endpoint of endpoints.filter(({ name }) => chosen.includes(name))) {
    const figures = await measureInTurns(bench, contenders, endpoint, rounds)
    table.set(endpoint.name, new Map([...figures].map(([name, all]) => [name, summary(all)])))
    console.log(`\n${figuresText(new Map([[endpoint.name, table.get(endpoint.name)!]]))}`)
  }
  const verdicts = compare(table)
  const server = contenders.find(({ name }) => name === 'server')
  if (server) verdicts.push(...await startVerdicts(launches.get('server')!))
  let [pagesText, streamsText] = ['', '']
  if (server && !options.quick && !options.endpoints) {
    const pages = await measurePages(bench, server, sizes, rounds)
    pagesText = pages.text
    console.log(`\n${pagesText}`)
    verdicts.push(...pages.verdicts, await measureBesideLogins(bench, server, rounds))
  }
  if (server && (options.streams || (!options.quick && !options.endpoints))) {
    const streams = await measureStreams(bench, launches.get('server')!, rounds)
    streamsText = streams.text
    console.log(`\n${streamsText}`)
    verdicts.push(...streams.verdicts)
  }
  if (server && chosen.includes('login')) verdicts.push(await measureLogins(bench, server, rounds))
  console.log(`\n${verdictsText(verdicts)}`)
  if (options.json) writeFileSync(options.json, JSON.stringify({ machine, endpoints: toJson(table), targets: verdicts }, null, 2))
  if (options.chart) writeFileSync(options.chart, chart(table))
  if (options.doc) {
    const parts = [verdictsText(verdicts), figuresText(table), pagesText, streamsText, JSON.stringify(machine, null, 2)]
    writeFileSync(options.doc, withFigures(readFileSync(options.doc, 'utf8'), parts))
    writeFileSync(options.doc.replace(/\.md$/, '.svg'), chart(table))
  }
} finally {
  for (const stop of stops.reverse()) await stop()
}

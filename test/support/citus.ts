import { readFileSync } from 'node:fs'
import postgres from 'postgres'
import { loadConfig } from '../../src/config/load.js'
import { connect } from '../../src/db/connect.js'

/** What `npm run db:distribute` runs, without what is meant for psql alone. */
const DISTRIBUTE = readFileSync(new URL('../../ops/distribute.sql', import.meta.url), 'utf8').replace(/^\\.*$/gm, '')

/** Shards of a table: fewer than Citus makes by itself, as each test has tables of its own, and on every worker one at least. */
const SHARDS = 4

type Node = Awaited<ReturnType<typeof nodesOf>>[number]

/** The coordinator, then its workers: those that the database of its URL knows. */
async function nodesOf (coordinator: string) {
  const sql = postgres(coordinator, { max: 1 })
  const workers = await sql`select node_name as host, node_port::text as port from citus_get_active_worker_nodes()`
  await sql.end()
  const { hostname: host, port } = new URL(coordinator)
  return [{ host, port: port || '5432' }, ...workers.map((worker) => ({ host: String(worker.host), port: String(worker.port) }))]
}

/** The URL of a database on a node, for the user of the coordinator's. */
function urlOf (coordinator: string, { host, port }: Node, database: string): string {
  const url = new URL(coordinator)
  url.host = `${host}:${port}`
  url.pathname = `/${database}`
  return url.href
}

async function runOn (url: string, ...statements: string[]): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  for (const statement of statements) await sql.unsafe(statement)
  await sql.end()
}

/**
 * Makes a new database on a coordinator of Citus and on its workers, with the tables of this version, distributed.
 * @param coordinator the URL of a database that has the extension and knows the workers
 * @returns its URL, and what drops it everywhere
 */
export async function createDistributed (coordinator: string, name: string): Promise<{ url: string, drop: () => Promise<void> }> {
  const nodes = await nodesOf(coordinator)
  const [first, ...workers] = nodes as [Node, ...Node[]]
  for (const node of nodes) {
    await runOn(urlOf(coordinator, node, 'postgres'), `create database ${name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`)
    await runOn(urlOf(coordinator, node, name), 'create extension citus')
  }
  const url = urlOf(coordinator, first, name)
  await runOn(url, `select citus_set_coordinator_host('${first.host}', ${first.port})`,
    ...workers.map(({ host, port }) => `select citus_add_node('${host}', ${port})`), `alter database ${name} set citus.shard_count = ${SHARDS}`)
  const database = connect(loadConfig({ SECRET_KEY: 'of no use to a database, but long', DATABASE_URL: url }))
  await database.start()
  await database.close()
  await runOn(url, DISTRIBUTE)
  return {
    url,
    async drop () {
      for (const node of nodes) await runOn(urlOf(coordinator, node, 'postgres'), `drop database if exists ${name} with (force)`)
    }
  }
}

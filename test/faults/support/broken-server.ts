import postgres from 'postgres'
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/load.js'
import { connect } from '../../../src/db/connect.js'
import type { Database } from '../../../src/db/database.js'

/*
 * A server that must not pass: it answers a write before it commits it. What it promises and then loses is what the
 * audit has to find.
 */

/** Milliseconds between the answer and the commit of a write of a task. */
const LATE = 300

const config = loadConfig()
const database = connect(config)
await database.start()

const iso = { to: 1184, from: [1184], serialize: String, parse: (text: string) => new Date(text).toISOString() }
const date = { to: 1082, from: [1082], serialize: String, parse: String }
const number = { to: 20, from: [20], serialize: String, parse: Number }
const types = { iso, date, number }
const client = postgres(config.DATABASE_URL, { max: 30, fetch_types: false, types, connection: { TimeZone: 'UTC' } })

const isWriteOfTask = (name: string) => /^tasks\.(create|createOnce|update|patch|complete|remove)\b/.test(name)

const broken: Database = {
  ...database,
  run: async (statement, values = {}) => !isWriteOfTask(statement.name)
    ? await database.run(statement, values)
    : await new Promise((resolve, reject) => {
      client.begin(async (transaction) => {
        resolve(await transaction.unsafe<never>(statement.text, statement.bind(values) as never[]))
        await transaction`select pg_sleep(${LATE / 1000})`
      }).catch(reject)
    })
}

const app = await buildApp(config, broken)
await app.listen({ host: config.HOST, port: config.PORT })

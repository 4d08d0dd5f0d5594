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
const client = postgres(config.DATABASE_URL, { max: 30, fetch_types: false, types: { iso }, connection: { TimeZone: 'UTC' } })

const isWriteOfTask = (text: string) => /^(insert|update|delete) [^(]*"tasks"/.test(text)

const broken: Database = {
  ...database,
  run: async (statement, values = {}) => !isWriteOfTask(statement.text)
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

import postgres from 'postgres'
import t from 'tap'
import { startApp } from '../helper.js'
import { connectTo, createDatabase, serverUrl } from '../support/database.js'
import { disturbances } from '../support/disturbances.js'
import { startLoops, wronglyStored, type Kept } from '../support/loops.js'
import { until } from '../support/until.js'

const NAME = 'while tables, indexes and connections change, everybody gets what is theirs, or a 503'

// The short form of test/faults/tables.test.ts: each disturbance twice.
t.test(NAME, { skip: !serverUrl && 'the embedded database has one connection' }, async (t) => {
  const { url, drop } = await createDatabase(serverUrl!)
  const database = connectTo(url, { DATABASE_STATEMENT_TIMEOUT: '1000' })
  await database.start()
  const admin = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  t.teardown(async () => {
    await database.close()
    await admin.end()
    await drop()
  })
  const { call, signUp } = await startApp(t, { database })
  const people = await Promise.all(Array.from({ length: 6 }, async (_, n) => signUp(`Person${n}`)))
  const loops = startLoops(call, people)
  for (let n = 0; n < 2 * disturbances.length; n++) {
    await disturbances[n % disturbances.length]!(async (text) => admin.unsafe(text), n)
  }
  const calm = performance.now()
  const failed = () => {
    const since = Math.max(calm, performance.now() - 1000)
    return loops.seen.filter(({ at, ms, status }) => status >= 300 && at + ms > since)
  }
  await until('a second has passed without a failure', () => performance.now() > calm + 1000 && failed().length === 0)
  t.strictSame(failed(), [], 'and soon only success')
  t.strictSame((await loops.stop()).flatMap(({ wrong }) => wrong ?? []), [])
  const stored = await admin.unsafe<Array<{ id: string } & Kept>>('select id, title, is_completed from todo.tasks')
  t.equal(wronglyStored(loops.kept, [...stored]), 0, 'everything is stored as it was acknowledged')
})

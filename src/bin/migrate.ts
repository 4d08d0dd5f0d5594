import { loadConfig } from '../config/load.js'
import { connect } from '../db/connect.js'
import { patiently } from '../db/exclusive.js'
import { fatal } from './fatal.js'

// `npm run db:migrate`: brings the tables up to date, as the server does at its start, counts anew what is counted wrong, ends.
try {
  const config = loadConfig()
  const database = connect(config)
  const recounted = await patiently(config.DATABASE_MIGRATION_TIMEOUT, async () => {
    await database.start()
    return await database.recount()
  }, () => { console.log(`${database.label}: waiting for another process that migrates`) })
  await database.close()
  console.log(`${database.label} is up to date${recounted > 0 ? `; wrong totals corrected: ${recounted}` : ''}`)
} catch (error) {
  fatal(error)
}

import { loadConfig } from '../config/load.js'
import { connect } from '../db/connect.js'
import { patiently } from '../db/exclusive.js'
import { fatal } from './fatal.js'
import { recount } from '../repositories/recount.js'

// `npm run db:migrate`: applies the pending migrations, as the server does at its start, and corrects wrong totals.
try {
  const config = loadConfig()
  const database = connect(config)
  const recounted = await patiently(config.DATABASE_MIGRATION_TIMEOUT, async () => {
    await database.start()
    return await recount(database)
  }, () => { console.log(`${database.label}: waiting for another process that migrates`) })
  await database.close()
  console.log(`${database.label} is up to date${recounted > 0 ? `; wrong totals corrected: ${recounted}` : ''}`)
} catch (error) {
  fatal(error)
}

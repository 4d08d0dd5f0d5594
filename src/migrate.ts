import { loadConfig } from './config/load.js'
import { connect } from './db/connect.js'
import { fatal } from './fatal.js'

// `npm run db:migrate`: brings the tables up to date and ends. The server does the same at its start.
try {
  const database = connect(loadConfig())
  await database.start()
  await database.close()
  console.log(`${database.label} is up to date`)
} catch (error) {
  fatal(error)
}

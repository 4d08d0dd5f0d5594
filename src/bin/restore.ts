import { loadConfig } from '../config/load.js'
import { connect } from '../db/connect.js'
import { hasAccounts } from '../db/inspect.js'
import { restore } from '../operations/backup.js'
import { Refused } from '../operations/refused.js'
import { fatal } from './fatal.js'

// `npm run restore -- FILE`: puts a backup into a database that is empty or absent, and brings its tables up to date.
try {
  const [file, ...more] = process.argv.slice(2)
  if (file === undefined || more.length > 0) throw new Refused('npm run restore -- FILE')
  const config = loadConfig()
  // Past a pooler, where there is one, as migrations go.
  const { DATABASE_URL, DATABASE_MIGRATION_URL: url = DATABASE_URL } = config
  const { DATABASE_CONNECT_TIMEOUT: connectTimeout, DATABASE_STATEMENT_TIMEOUT: statementTimeout } = config
  await restore(url, file, async () => await hasAccounts(url, { connectTimeout, statementTimeout }))
  const database = connect(config)
  await database.start()
  await database.close()
  console.log(`${file} is restored: ${database.label}`)
} catch (error) {
  fatal(error)
}

import { loadConfig } from '../config/load.js'
import { backUp } from '../operations/backup.js'
import { Refused } from '../operations/refused.js'
import { fatal } from './fatal.js'

// `npm run backup -- FILE`: writes all of the database into a new file.
try {
  const [file, ...more] = process.argv.slice(2)
  if (file === undefined || more.length > 0) throw new Refused('npm run backup -- FILE')
  const { DATABASE_URL, DATABASE_MIGRATION_URL: url = DATABASE_URL } = loadConfig()
  await backUp(url, file)
  console.log(`The backup is in ${file}`)
} catch (error) {
  fatal(error)
}

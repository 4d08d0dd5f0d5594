import { passwords } from '../accounts/passwords.js'
import { ConfigError } from '../config/errors.js'
import { loadConfig } from '../config/load.js'
import { connect } from '../db/connect.js'
import { DEMO, seed } from '../operations/seed.js'
import { fatal } from './fatal.js'

// `npm run seed`: a demo account with tasks of all kinds, to try things out.
try {
  const config = loadConfig()
  if (config.NODE_ENV === 'production') throw new ConfigError('npm run seed makes an account whose password everybody knows: not with NODE_ENV=production')
  const database = connect(config)
  await database.start()
  const { ARGON2_MEMORY_KIB: memoryCost, ARGON2_TIME_COST: timeCost, ARGON2_PARALLELISM: parallelism } = config
  const hashes = passwords({ memoryCost, timeCost, parallelism }, config.HASH_THREADS)
  const { created, total, passwordFits } = await seed(database, hashes, (done, of) => { console.log(`${done} of ${of} tasks`) })
  await database.close()
  console.log(`${created > 0 ? `${created} tasks made` : 'Nothing to do'}: the demo account in ${database.label} has ${total}

  email     ${DEMO.email}
  password  ${passwordFits ? DEMO.password : '(somebody has changed it)'}
`)
} catch (error) {
  fatal(error)
}

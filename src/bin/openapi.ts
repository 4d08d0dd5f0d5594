import { buildApp } from '../app.js'
import { loadConfig } from '../config/load.js'
import { connect } from '../db/connect.js'

// `npm run openapi`: prints the document that the code generates with the default settings. No database is asked.
const config = loadConfig({ SECRET_KEY: 'signs nothing, no request is served', LOG_LEVEL: 'silent', DATABASE_URL: 'pglite:memory' })
const app = await buildApp(config, connect(config))
await app.ready()
console.log(JSON.stringify(app.swagger(), null, 2))
await app.close()

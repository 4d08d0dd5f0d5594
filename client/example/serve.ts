import { createServer } from 'node:http'
import { API, examplePages } from './pages.js'

// `npm run example`. The API allows this origin by default (CORS_ORIGINS); API_URL names another one.
const api = process.env.API_URL ?? API
createServer(examplePages(api)).listen(3000, 'localhost', () => {
  console.log(`The example is on http://localhost:3000 and uses the API on ${api} (npm start)`)
}).on('error', ({ message }) => {
  console.error(message)
  process.exitCode = 1
})

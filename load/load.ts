import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { begin, session, tidyUp } from './session.js'

const USAGE = `npm run load -- [options]
  --url URL            the server (http://127.0.0.1:8000); it has to run with RATE_LIMIT=off
  --connections N      people at the same time, each with an account and a connection (10)
  --duration SECONDS   how long (10)
  --signups N          people who sign up at the same time, before: as many as the server hashes, its HASH_THREADS (1)

Each signs up and then does what a front end does, again and again: looks at the list, adds a task, opens it, changes it, completes it,
pages on, and deletes it. Each answer's status and shape is checked; the tasks are deleted afterwards. Ends with status 1 on any error.`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    connections: { type: 'string', default: '10' },
    duration: { type: 'string', default: '10' },
    signups: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false }
  }
})
if (options.help) {
  console.log(USAGE)
  process.exit()
}

const connections = Number(options.connections)
console.log(`${connections} people sign up …`)
const people = await begin(options.url, connections, Number(options.signups))

const wrong = new Map<string, number>()
let next = 0
const run = autocannon({
  url: options.url,
  connections,
  duration: Number(options.duration),
  setupClient: (client) => {
    client.setRequests(session(people[next++ % people.length]!, (what) => { wrong.set(what, (wrong.get(what) ?? 0) + 1) }))
  }
})
// What it returns is a promise and an instance; its types know the promise only.
autocannon.track(run as unknown as autocannon.Instance, { renderProgressBar: process.stderr.isTTY })
const { errors, timeouts, requests, non2xx } = await run

const unanswered = errors + timeouts
for (const [what, times] of wrong) console.log(`WRONG ${times} ×: ${what}`)
const total = [...wrong.values()].reduce((sum, times) => sum + times, 0) + unanswered
console.log(`${requests.total} requests, ${non2xx} refused, ${unanswered} unanswered, ${total} errors`)
process.exitCode = total > 0 || requests.total === 0 ? 1 : 0

await tidyUp(options.url, people)
console.log(`The tasks of ${people.length} people are deleted`)

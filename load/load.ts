import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { followChanges } from './follow.js'
import { begin, session, tidyUp } from './session.js'

const USAGE = `npm run load -- [options]
  --url URL            the server (http://127.0.0.1:8000); it has to run with RATE_LIMIT=off
  --connections N      people at the same time, each with an account and a connection (10)
  --duration SECONDS   how long (10)
  --signups N          people who sign up at the same time, before: as many as the server hashes, its HASH_THREADS (1)
  --streams N          opens so many streams of events, by turns for each of the people, instead of what is told below
  --writes N           changes in a second, which are told to the streams (10)
  --through URL        another server of the same database, through which they are written (the same one)
  --pid PID            of the server, if it is on this machine: prints its memory and its share of a processor

Each signs up and then does what a front end does, again and again: looks at the list, adds a task, opens it, changes it, completes it,
pages on, and deletes it. Each answer's status and shape is checked; the tasks are deleted afterwards. Ends with status 1 on any error.`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    connections: { type: 'string', default: '10' },
    duration: { type: 'string', default: '10' },
    signups: { type: 'string', default: '1' },
    streams: { type: 'string' },
    writes: { type: 'string', default: '10' },
    through: { type: 'string' },
    pid: { type: 'string' },
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

/** What a front end does, again and again. @returns whether all went well */
async function work (): Promise<boolean> {
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
  return total === 0 && requests.total > 0
}

/** What streams are told. @returns whether all went well */
async function follow (streams: number): Promise<boolean> {
  const { url, through = url } = options
  const pid = options.pid === undefined ? undefined : Number(options.pid)
  const [writes, duration] = [Number(options.writes), Number(options.duration)]
  return await followChanges({ url, through, people, streams, writes, duration, pid }) === 0
}

process.exitCode = await (options.streams === undefined ? work() : follow(Number(options.streams))) ? 0 : 1

await tidyUp(options.url, people)
console.log(`The tasks of ${people.length} people are deleted`)

import postgres from 'postgres'
import { PING, TIMESTAMPTZ, isoTime, type Database } from './database.js'
import { DatabaseUnavailable, translated } from './errors.js'
import { ignoreNotice, migratePostgres } from './migrate.js'
import type { Statement, Values } from './statement.js'

/** Milliseconds. A statement ends inside PostgreSQL first; the deadline is for a server that does not answer at all. */
const STATEMENT_TIMEOUT = 4000
const DEADLINE = 4500

/** postgres.js queues without limit. More statements than this at once means that they only wait. */
const MAX_PENDING = 1000

/**
 * A PostgreSQL server, through postgres.js. Nothing is connected before `start` or `run`.
 * @param url `postgres://…`
 * @param poolSize connections at most
 */
export function connectPostgres (url: string, poolSize: number): Database {
  let started = false
  let pending = 0
  const open = () => postgres(url, {
    max: poolSize,
    connect_timeout: 3,
    backoff: (attempt) => Math.min(0.1 * 2 ** attempt, 1),
    // It would look up array types, which nobody uses here, and fail outside of any caller's reach.
    fetch_types: false,
    onnotice: ignoreNotice,
    types: { time: { to: TIMESTAMPTZ, from: [TIMESTAMPTZ], serialize: String, parse: isoTime } },
    connection: { application_name: 'todo-backend', TimeZone: 'UTC', statement_timeout: STATEMENT_TIMEOUT }
  })
  let client = open()

  async function ask<Row> ({ name, text, bind }: Statement<Row>, values: Values): Promise<Row[]> {
    if (pending >= MAX_PENDING) throw new DatabaseUnavailable('too many statements wait')
    pending++
    const used = client
    let timer
    try {
      const query = used.unsafe(text, bind(values) as never[], { prepare: true })
      return await new Promise<never>((resolve, reject) => {
        timer = setTimeout(() => {
          reject(new DatabaseUnavailable('no answer'))
          replace(used)
        }, DEADLINE)
        query.then((rows) => { resolve(rows as never) }, (error: unknown) => { reject(translated(error, name)) })
      })
    } finally {
      clearTimeout(timer)
      pending--
    }
  }

  /** Connections that give no answer for so long are dead, and the driver would go on using them. */
  function replace (dead: typeof client): void {
    if (dead !== client) return
    client = open()
    void dead.end({ timeout: 0 })
  }

  return {
    label: `PostgreSQL at ${place(url)}`,

    async start () {
      // Within the deadline: the driver alone would try for ever at a port that hangs up.
      await ask(PING, {})
      try {
        await migratePostgres(url)
        started = true
      } catch (error) {
        throw translated(error, 'migrations')
      }
    },

    async run (statement, values = {}) {
      if (!started) throw new DatabaseUnavailable('not started')
      return await ask(statement, values)
    },

    async ping () {
      await this.run(PING)
    },

    async close () {
      await client.end({ timeout: 2 })
    }
  }
}

/** The host, port and database of a URL: what may be shown. */
function place (url: string): string {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}

import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import type { Test } from 'tap'
import type { Database } from '../../src/db/database.js'
import { connectTo } from './database.js'

/** What an operator does on a server, on connections of its own. */
export function operatorOf (server: { url: string }) {
  async function operate (text: string, url = server.url): Promise<postgres.Row[]> {
    const client = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
    try {
      return [...await client.unsafe(text)]
    } finally {
      await client.end({ timeout: 1 })
    }
  }

  /** A role of the test's own, that owns nothing. */
  async function role (t: Test, options = ''): Promise<{ name: string, connect: (settings?: NodeJS.ProcessEnv) => Database }> {
    const name = `todo_role_${randomBytes(6).toString('hex')}`
    await operate(`create role ${name} login ${options}`)
    const url = new URL(server.url)
    url.username = name
    const databases: Database[] = []
    t.teardown(async () => {
      await Promise.all(databases.map(async (one) => one.close()))
      await operate(`drop owned by ${name}; drop role ${name}`)
    })
    return {
      name,
      connect (settings) {
        const one = connectTo(url.href, settings)
        databases.push(one)
        return one
      }
    }
  }

  return { operate, role }
}

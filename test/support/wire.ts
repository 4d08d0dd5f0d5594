import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { PGlite } from '@electric-sql/pglite'
import type { Test } from 'tap'
import { connectEmbedded } from '../../src/db/embedded.js'
import { createDatabase, serverUrl } from './database.js'
import { migratedDump } from './dump.js'
import { proxyTo, type Proxy } from './proxy.js'
import { teardown } from './teardown.js'

/**
 * A new, empty database on a PostgreSQL server, behind a proxy that a test can break. Without a server to test on, an
 * embedded database takes its place: what the driver talks to is PostgreSQL all the same.
 */
export async function postgresServer (t: Test): Promise<Proxy> {
  const { url, drop } = serverUrl ? await createDatabase(serverUrl) : await serveEmbedded()
  const proxy = await proxyTo(url)
  teardown(t, async () => {
    proxy.refuse()
    proxy.cut()
    await drop()
  })
  return proxy
}

/** An embedded database as a server. Its one session serves the connections in turns. */
async function serveEmbedded (): Promise<{ url: string, drop: () => Promise<void> }> {
  const database = connectEmbedded('memory', { dump: await migratedDump() })
  await database.start()
  const client = database.client()
  await client.exec('drop schema todo cascade')
  const session = turns()
  const locks = new Set<Socket>()
  const server = createServer((socket) => { void serve(socket, client, session, locks) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `postgres://${OPERATOR}@127.0.0.1:${(server.address() as AddressInfo).port}/todo`,
    async drop () {
      server.close()
      // When the last connection has given the session back.
      await session()
      await database.close()
    }
  }
}

/** The superuser. Other roles have to be created. */
const OPERATOR = 'todo'

// PostgreSQL documentation, "Frontend/Backend Protocol": the first messages of a connection have a code and no type.
const STARTUP = 196_608
const SSL_REQUEST = 80_877_103
const SYNC = Buffer.from('S\0\0\0\x04')
const READY = Buffer.from('Z\0\0\0\x05I')

/** What asks for an advisory lock, and what is as long and never true. */
const TRY_LOCK = 'pg_try_advisory_xact_lock('
const REFUSED = '0 > ('.padStart(TRY_LOCK.length)

/**
 * Serves one connection. It has the session for a transaction at a time.
 * @param session waits for the turn
 * @param locks the connections that have taken an advisory lock; to a session its own locks are free
 */
async function serve (socket: Socket, client: PGlite, session: () => Promise<() => void>, locks: Set<Socket>): Promise<void> {
  let release: (() => void) | undefined
  let settings = ''
  try {
    for await (const message of messagesOf(socket)) {
      const code = message[0] === 0 ? message.readInt32BE(4) : undefined
      if (code === SSL_REQUEST) socket.write('N')
      else if (code === STARTUP) {
        settings = settingsOf(message)
        socket.write(await client.execProtocolRaw(message))
      // A request to cancel, or the message of a client that leaves.
      } else if (code !== undefined || message[0] === 'X'.charCodeAt(0)) break
      else {
        if (!release) {
          release = await session()
          await client.exec(settings)
        }
        if (message.includes('pg_advisory_lock')) locks.add(socket)
        const isRefused = locks.size > 0 && !locks.has(socket)
        const heard = isRefused ? Buffer.from(message.toString('latin1').replaceAll(TRY_LOCK, REFUSED), 'latin1') : message
        const answer = Buffer.from(await client.execProtocolRaw(heard))
        socket.write(answer)
        if (answer.subarray(-READY.length).equals(READY)) release = void release()
      }
    }
  } catch (error) {
    if (!socket.destroyed) throw error
  }
  socket.destroy()
  if (locks.delete(socket)) release ??= await session()
  if (!release) return
  await client.execProtocolRaw(SYNC)
  await client.exec('rollback; select pg_advisory_unlock_all()')
  release()
}

/** The messages in a stream of bytes, each whole. */
async function * messagesOf (socket: Socket): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  let type = 0
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer])
    while (rest.length >= type + 4 && rest.length >= type + rest.readInt32BE(type)) {
      const message = rest.subarray(0, type + rest.readInt32BE(type))
      rest = rest.subarray(message.length)
      if (message[0] === 0 && message.readInt32BE(4) === STARTUP) type = 1
      yield message
    }
  }
}

/** What a startup message sets, as SQL, on a server whose time zone is Asia/Kolkata. */
const settingsOf = (startup: Buffer) => "reset role; reset all; set timezone = 'Asia/Kolkata';" +
  [...startup.toString('utf8', 8).matchAll(/([^\0]+)\0([^\0]*)\0/g)].map(([, name, value]) => {
    if (name === 'user') return value === OPERATOR ? '' : `set role "${value}";`
    return name === 'database' ? '' : `set "${name}" = '${value}';`
  }).join('')

/** A queue. @returns a function that waits for its turn and returns what ends it */
function turns (): () => Promise<() => void> {
  let last = Promise.resolve()
  return async () => {
    const before = last
    let end = () => {}
    last = new Promise((resolve) => { end = resolve })
    await before
    return end
  }
}

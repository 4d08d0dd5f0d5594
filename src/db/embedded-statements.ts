import type { PGlite, parse, protocol } from '@electric-sql/pglite'
import { DatabaseUnavailable } from './errors.js'
import type { Statement } from './statement.js'

interface Driver { parse: typeof parse, protocol: typeof protocol }

/** A statement that the database has parsed and planned, and the types of its parameters. */
interface Prepared { name: string, types: number[] }

/** What is prepared does not fit the tables any more, of which a column has got another type. Nothing of it was done. */
const isStale = ({ code }: { code?: unknown }) => /^(0A|42)/.test(String(code))

/**
 * Runs statements on an embedded database. One that comes again is prepared under a name: PGlite's own `query` has each parsed,
 * described and planned every time, in five steps, which takes four times as long.
 * @param client open
 * @param driver the module it came from
 * @returns a function that takes a statement and its values in the order of `$1`, `$2`, …; it rejects with PGlite's errors,
 * and with DatabaseUnavailable when the database has been closed
 */
export function statementsOn (client: PGlite, { parse, protocol: { serialize } }: Driver) {
  const known = new WeakSet<Statement<unknown>>()
  const prepared = new WeakMap<Statement<unknown>, Prepared>()
  let names = 0

  const exchange = async (...messages: Uint8Array[]) =>
    (await client.execProtocol(new Uint8Array(Buffer.concat([...messages, serialize.sync()])))).messages

  async function prepare (statement: Statement<unknown>): Promise<Prepared> {
    const name = `todo_${++names}`
    const messages = await exchange(serialize.parse({ name, text: statement.text }), serialize.describe({ type: 'S', name }))
    const one = { name, types: parse.parseDescribeStatementResults(messages) }
    prepared.set(statement, one)
    return one
  }

  async function execute ({ name, types }: Prepared, values: unknown[]): Promise<unknown[]> {
    const texts = values.map((value, i) => value == null ? null : (client.serializers[types[i]!] ?? String)(value))
    const messages = await exchange(
      serialize.bind({ statement: name, values: texts }), serialize.describe({ type: 'P' }), serialize.execute({})
    )
    return parse.parseResults(messages, client.parsers)[0]!.rows
  }

  return async (statement: Statement<unknown>, values: unknown[]): Promise<unknown[]> => {
    if (!known.has(statement)) {
      known.add(statement)
      return (await client.query(statement.text, values)).rows
    }
    return await client.runExclusive(async () => {
      if (client.closed) throw new DatabaseUnavailable('closed')
      const one = prepared.get(statement)
      if (!one) return await execute(await prepare(statement), values)
      return await execute(one, values).catch(async (error: { code?: unknown }) => {
        if (!isStale(error)) throw error
        return await execute(await prepare(statement), values)
      })
    })
  }
}

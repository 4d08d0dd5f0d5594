import { Param, Placeholder, is } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pg-proxy'

/** Values of a statement, by the names of its placeholders. */
export type Values = Readonly<Record<string, unknown>>

/** SQL that Drizzle wrote once, when the module was loaded, and the database prepares once per connection. */
export interface Statement<Row> {
  /** For the log. */
  readonly name: string
  readonly text: string
  /** Puts values in the order of `$1`, `$2`, … */
  readonly bind: (values: Values) => unknown[]
  /** Only a type: what a row looks like. */
  readonly row?: Row
}

/** Drizzle without a connection: it builds statements and never runs one. */
export const build = drizzle(async () => { throw new Error('only builds statements') })

interface Query { toSQL: () => { sql: string, params: unknown[] } }

/**
 * Takes the SQL out of a Drizzle query. Written per request, it costs more than all else that a request does
 * here; and Drizzle's own `prepare` does not ask postgres.js for a prepared statement.
 * @param query any Drizzle query; its varying parts are `sql.placeholder(name)`
 * @returns the statement; its row type is the query's
 */
export function prepare<Q extends Query & PromiseLike<unknown[]>> (name: string, query: Q): Statement<Awaited<Q>[number]> {
  const { sql: text, params } = query.toSQL()
  const pick = params.map((param) => {
    const value = is(param, Param) ? param.value : param
    return is(value, Placeholder) ? (values: Values) => values[value.name] : () => value
  })
  return { name, text, bind: (values) => pick.map((one) => one(values)) }
}

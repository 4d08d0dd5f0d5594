import { Param, Placeholder, is, sql, type SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/pg-proxy'
import { ForeignAnswer } from './errors.js'

/** Values of a statement, by the names of its placeholders. */
export type Values = Readonly<Record<string, unknown>>

/** SQL that Drizzle wrote once, when it was first needed, and the database prepares once per connection. */
export interface Statement<Row> {
  /** For the log. */
  readonly name: string
  readonly text: string
  /** Puts values in the order of `$1`, `$2`, … */
  readonly bind: (values: Values) => unknown[]
  /** The columns that repeat a value, by its name: whose row it is, and which. Every row is compared before anybody gets it. */
  readonly echo: Readonly<Record<string, string>>
  /** Whether there is a row in any case, so that an answer without one is not the answer to this. */
  readonly answersAlways?: boolean
  /** Only a type: what a row looks like. */
  readonly row?: Row
}

/** One row of one value, to be joined with what is looked for: whatever is found, the answer says what was asked. */
export const asked = (name: string) => sql`(values (${sql.placeholder(name)}::text)) as asked(value)`

/** That value, as an id. */
export const askedId = sql<string>`asked.value::uuid`

/** Drizzle without a connection: it builds statements and never runs one. */
export const build = drizzle(async () => { throw new Error('only builds statements') })

interface Query { toSQL: () => { sql: string, params: unknown[] } }

/**
 * Takes the SQL out of a Drizzle query. Written for each request, it would cost more than everything else the request does
 * here; and Drizzle's own `prepare` does not ask postgres.js for a prepared statement.
 * @param query any Drizzle query; its varying parts are `sql.placeholder(name)`
 * @param echo one column at least; a value that is null asks for nothing
 * @returns the statement; its row type is the query's
 * @throws Error when `echo` names no value of the query
 */
export const prepare = <Q extends Query & PromiseLike<unknown[]>>(
  name: string, query: Q, echo: Echo<Awaited<Q>[number]>, { answersAlways = false } = {}
): Statement<Awaited<Q>[number]> => statementOf(name, query.toSQL(), echo, answersAlways)

type Echo<Row> = { readonly [Column in keyof Row]?: string }

const dialect = new PgDialect()

/** Every prepared statement, so that a test of all their plans finds new ones too. */
export const statements = new Set<Statement<unknown>>()

/** The same for what Drizzle's builder has no words for. */
export const prepareSql = <Row>(name: string, text: SQL<Row>, echo: Echo<Row>, { answersAlways = false } = {}): Statement<Row> =>
  statementOf(name, dialect.sqlToQuery(text), echo, answersAlways)

/** A placeholder that comes again is the same `$n`: its value is sent once, and the planner sees that it is one. */
function statementOf<Row> (
  name: string, { sql: text, params }: { sql: string, params: unknown[] }, echo: Echo<Row>, answersAlways: boolean
): Statement<Row> {
  const parts: unknown[] = []
  const places = params.map((param) => {
    const value = is(param, Param) ? param.value : param
    const same = parts.findIndex((part) => is(value, Placeholder) && is(part, Placeholder) && part.name === value.name)
    return same < 0 ? parts.push(value) : same + 1
  })
  const known = new Set(parts.map((part) => is(part, Placeholder) ? part.name : undefined))
  const compared = Object.entries(echo) as Array<[string, string]>
  if (compared.length === 0 || !compared.every(([, value]) => known.has(value))) throw new Error(`${name} does not say whose its rows are`)
  const pick = parts.map((part) => is(part, Placeholder) ? (values: Values) => values[part.name] : () => part)
  const statement: Statement<Row> = {
    name,
    text: text.replaceAll(/\$(\d+)/g, (_, n: string) => `$${places[Number(n) - 1]!}`),
    bind: (values) => pick.map((one) => one(values)),
    echo: Object.fromEntries(compared),
    answersAlways
  }
  statements.add(statement)
  return statement
}

/**
 * The rows of an answer, when they are what the statement asked for. A driver or a pooler that mixes answers up shows here,
 * whatever it does: the rows say whose they are. (OWASP ASVS 5.0 §8.2.2)
 * @throws ForeignAnswer
 */
export function checked<Row> ({ name, echo, answersAlways }: Statement<Row>, values: Values, rows: Row[]): Row[] {
  if (answersAlways && rows.length === 0) throw new ForeignAnswer(name)
  for (const column in echo) {
    const asked = values[echo[column]!]
    if (asked == null) continue
    // Not by forEach, which leaves out what a driver has never filled in.
    for (const row of rows) if (!isSame(asked, (row as Values | undefined)?.[column])) throw new ForeignAnswer(name)
  }
  return rows
}

/** Ids may be asked for in either case. */
const isSame = (asked: unknown, told: unknown) =>
  asked === told || (typeof asked === 'string' && typeof told === 'string' && asked.toLowerCase() === told.toLowerCase())

import type { Database } from '../db/database.js'

/** A request as its span tells of it. */
export interface TracedRequest {
  method: string
  /** The pattern of its route, where it has one, and the path without the query. */
  route: string | undefined
  path: string
  /** The headers `traceparent` and `tracestate`, as they came. */
  headers: Record<string, unknown>
}

/** The span of a request. */
export interface RequestSpan {
  /** The id of its trace: 32 hexadecimal digits. */
  traceId: string
  /** What a client is told of it. (W3C Trace Context Level 2, `traceresponse`) */
  response: string
  /** Runs what belongs to the request, until `leave`. */
  within: (work: () => void) => void
  /** Nothing that comes later belongs to it, as what a stream of events tells. */
  leave: () => void
  /** @param status of the answer; undefined when the client left before it began */
  end: (status: number | undefined) => void
}

/** What records spans. */
export interface Traces {
  begin: (request: TracedRequest) => RequestSpan
  /** Runs a statement of this name within the request that it belongs to, if it belongs to any. */
  statement: <Result>(name: string, run: () => Promise<Result>) => Promise<Result>
  /** Sends what there is, for a second at most. */
  close: () => Promise<void>
}

/** A database whose statements are spans of the requests that they belong to. */
export const traced = (database: Database, { statement: record }: Pick<Traces, 'statement'>): Database => ({
  ...database,
  run: async (statement, values) => await record(statement.name, async () => await database.run(statement, values))
})

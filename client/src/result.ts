import type { components, operations } from './schema.js'

type Issue = components['schemas']['ValidationIssue']

/** The name of an operation in the API's document: `signUp`, `createTask` … */
export type OperationId = keyof operations

type JsonOf<Answer> = Answer extends { content: { 'application/json': infer Body } } ? Body : undefined

/** One member for each documented status but 304, which only whoever sends an If-None-Match gets. */
export type AnswersOf<Responses> = {
  [Status in Exclude<keyof Responses & number, 304>]: {
    /** Whether it is a 2xx. */
    ok: `${Status}` extends `2${string}` ? true : false
    status: Status
    /** The JSON of the answer; undefined of a 204. */
    body: JsonOf<Responses[Status]>
    /** For its headers; the body is read already. */
    response: Response
  }
}[Exclude<keyof Responses & number, 304>]

/** What an operation can answer: one member for each documented status. `ok` or `status` tells the type of `body`. */
export type Result<Id extends OperationId> = Id extends OperationId ? AnswersOf<operations[Id]['responses']> : never

/** The answers that are not a success, of one operation or of all. */
export type Failure<Id extends OperationId = OperationId> = Extract<Result<Id>, { ok: false }>

interface Answer { status: number, body?: unknown, response: Response }

/** An answer as an exception: one that the API does not document, such as a proxy's; or a failure, from `unwrap` and `walk`. */
export class TodoApiError extends Error {
  override readonly name = 'TodoApiError'
  readonly status: number
  /** JSON where it was JSON, otherwise text. */
  readonly body: unknown
  readonly response: Response

  constructor ({ status, body, response }: Answer) {
    super(`${response.url} answered ${status}: ${textOf(body)}`)
    this.status = status
    this.body = body
    this.response = response
  }
}

function textOf (body: unknown): string {
  const detail: unknown = Object(body).detail
  // Another program may have details of another form.
  if (typeof detail === 'string') return detail
  if (isIssues(detail)) return detail.map(({ loc, msg }) => `${loc.join('.')} ${msg}`).join('; ')
  return 'not an answer of this operation'
}

/** Whether a `detail` is the list of broken rules of a 422. */
export function isIssues (detail: unknown): detail is Issue[] {
  return Array.isArray(detail) && detail.every((issue: Partial<Issue> | null) =>
    Array.isArray(issue?.loc) && typeof issue.msg === 'string' && typeof issue.type === 'string')
}

/**
 * For code that has nothing to say about a failure.
 * @param result what a method of the client returned, awaited or not
 * @returns the body of the success
 * @throws TodoApiError for any other status
 */
export async function unwrap<R extends Result<OperationId>> (result: R | Promise<R>): Promise<Extract<R, { ok: true }>['body']> {
  const answer: Result<OperationId> = await result
  if (!answer.ok) throw new TodoApiError(answer)
  return answer.body
}

import { defaultPathSerializer, type Client, type MaybeOptionalInit } from 'openapi-fetch'
import { TodoApiError, isIssues, type AnswersOf, type Failure } from './result.js'
import { answers, type paths } from './schema.js'

/** Settings of one request. */
export type RequestSettings = Pick<RequestInit, 'signal'>

/** A download: `response.blob()` keeps it in the browser, which may put it on the disk; `body` is its bytes as they come. */
export type Export = Failure<'exportMe'> | { ok: true, status: 200, body: ReadableStream<Uint8Array>, response: Response }

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
type With<M extends Method, Responses = unknown> = Record<M, { responses: Responses }>
type PathWith<M extends Method> = { [P in keyof paths]: paths[P] extends With<M> ? P : never }[keyof paths]
type AnswerOf<P extends keyof paths, M extends Method> = paths[P] extends With<M, infer Responses> ? AnswersOf<Responses> : never

/**
 * @returns a function that sends one request, typed by its method and path
 * @throws (that function) TodoApiError for an answer that the API does not document there
 */
export const sender = (api: Client<paths>) => async <M extends Method, P extends PathWith<M>>(
  method: M, path: P, init?: MaybeOptionalInit<paths[P], M>
): Promise<AnswerOf<P, M>> => {
  // Path and `init` are checked where this is called. As text, because JSON that is none has to arrive as what it is.
  const { data, error, response } = await api.request(method, path as never, { ...init, parseAs: 'text' } as never)
  const { ok, status } = response
  const body: unknown = ok ? json(data) : error
  // The API redirects nobody, and what is behind a redirect may have been asked with another method.
  const isElsewhere = response.redirected && method !== 'get'
  if (isElsewhere || !isDocumented(`${method} ${path}`, status, body)) throw new TodoApiError({ status, body, response })
  return { ok, status, body, response } as AnswerOf<P, M>
}

/** Sends one request. */
export type Send = ReturnType<typeof sender>

/**
 * @returns a function that downloads the account: its success is not read yet, so that no memory grows with it
 * @throws (that function) TodoApiError for an answer that the API does not document there
 */
export const exporter = (api: Client<paths>) => async (settings?: RequestSettings): Promise<Export> => {
  const { error: body, response } = await api.GET('/api/auth/me/export', { ...settings, parseAs: 'stream' })
  const { ok, status } = response
  const isExport = ok && response.headers.get('content-type')?.startsWith('application/json') && response.body
  if (isExport) return { ok, status: 200, body: response.body, response }
  if (ok || !isDocumented('get /api/auth/me/export', status, body)) throw new TodoApiError({ status, body, response })
  return { ok, status, body, response } as Failure<'exportMe'>
}

/**
 * A success is the JSON of its operation or, as a 204, nothing; an error has its own status and a detail. No other program's
 * answer is like that. Of a success some member is enough: a server of an earlier version may not have them all.
 */
function isDocumented (operation: string, status: number, body: unknown): boolean {
  const members = answers[operation]![status]
  if (!members) return false
  if (status < 400) return members.length === 0 || members.some((name) => Object.hasOwn(Object(body) as object, name))
  const { detail, status_code: own } = Object(body) as { detail?: unknown, status_code?: unknown }
  return own === status && (status === 422 ? isIssues(detail) : typeof detail === 'string')
}

/** @returns what JSON says; a text that is none as it is */
export function json (text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return text
  }
}

/**
 * The path with its values in it, each percent-encoded.
 * @throws TypeError for a value that would be no segment of its own: empty, one dot or two, which no encoding protects
 */
export function pathOf (path: string, values: Record<string, unknown>): string {
  for (const [name, value] of Object.entries(values)) {
    const text = String(value)
    if (['', '.', '..'].includes(text)) throw new TypeError(`${name} cannot be ${JSON.stringify(text)}`)
  }
  return defaultPathSerializer(path, values)
}

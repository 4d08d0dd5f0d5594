import type { Client, MaybeOptionalInit } from 'openapi-fetch'
import { TodoApiError, type AnswersOf } from './result.js'
import { statuses, type paths } from './schema.js'

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
  if (!isDocumented(`${method} ${path}`, status, body)) throw new TodoApiError({ status, body, response })
  return { ok, status, body, response } as AnswerOf<P, M>
}

/** A success is JSON or, as a 204, nothing; an error carries its own status, which no other program's error does. */
function isDocumented (operation: string, status: number, body: unknown): boolean {
  if (!statuses[operation]!.includes(status)) return false
  if (status === 204) return true
  if (typeof body !== 'object' || body === null) return false
  return status < 400 || (body as { status_code?: unknown }).status_code === status
}

function json (text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return text
  }
}

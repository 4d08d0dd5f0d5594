/** An error answer: its status, its constant text, and what the documents say of it. */
interface Entry {
  readonly status: number
  /** The `detail` of the answer. A client may compare with it, so that it never changes. */
  readonly detail: string
  readonly when: string
  /** What the client can do about it. */
  readonly remedy: string
}

/**
 * Every error answer but 422, once, by its code. From these lines come what is thrown, the status and the text of the answer, the
 * documented answers with their examples, the table in the documents, and the type of the errors that a route may return.
 */
export const catalogue = {
  MALFORMED_REQUEST: {
    status: 400,
    detail: 'Malformed request',
    when: 'The URL or the message itself cannot be read',
    remedy: 'Encode the URL; correct the client'
  },
  MALFORMED_JSON: { status: 400, detail: 'Malformed JSON', when: 'The body is not JSON', remedy: 'Send JSON' },
  MALFORMED_UTF8: { status: 400, detail: 'Malformed UTF-8', when: 'The body is not UTF-8', remedy: 'Send UTF-8' },
  NOT_AUTHENTICATED: { status: 401, detail: 'Not authenticated', when: 'The request has no token', remedy: 'Log in, send `Authorization: Bearer …`' },
  INVALID_CREDENTIALS: {
    status: 401,
    detail: 'Invalid authentication credentials',
    when: 'The token has expired, is not one of ours, or its user is gone',
    remedy: 'Log in again'
  },
  WRONG_LOGIN: { status: 401, detail: 'Invalid email or password', when: 'The email or the password of a login is wrong', remedy: 'Ask for both again' },
  INVALID_REFRESH_TOKEN: {
    status: 401,
    detail: 'Invalid refresh token',
    when: 'The session has ended, or the token is not its current one',
    remedy: 'Log in again'
  },
  WRONG_PASSWORD: { status: 403, detail: 'Wrong password', when: 'The password is not that of the account', remedy: 'Ask for it again' },
  EMAIL_NOT_VERIFIED: {
    status: 403,
    detail: 'Email not verified',
    when: 'The email is not confirmed yet, and the server requires that for a login',
    remedy: 'Use the link that was mailed'
  },
  FOREIGN_USER: {
    status: 403,
    detail: "Not authorized to access this user's tasks",
    when: "The `user_id` of the path is not the token's user",
    remedy: "Use `/api/tasks`, or the user's own id"
  },
  FOREIGN_TASK: {
    status: 403,
    detail: 'Not authorized to access this task',
    when: 'The task belongs to another user',
    remedy: "Ask for a task of the token's user"
  },
  TASK_NOT_FOUND: { status: 404, detail: 'Task not found', when: 'The task does not exist, or no longer does', remedy: 'Remove it from the screen' },
  SESSION_NOT_FOUND: {
    status: 404, detail: 'Session not found', when: "The session has ended, or is somebody else's", remedy: 'Remove it from the screen'
  },
  ROUTE_NOT_FOUND: { status: 404, detail: 'Not found', when: 'There is no such path', remedy: 'Look the path up here' },
  METHOD_NOT_ALLOWED: { status: 405, detail: 'Method not allowed', when: 'The path does not support the method', remedy: 'Use one that `Allow` lists' },
  REQUEST_TIMEOUT: { status: 408, detail: 'Request timeout', when: 'The request took too long to arrive', remedy: 'Send it again' },
  EMAIL_TAKEN: {
    status: 409,
    detail: 'Email already exists',
    when: 'Another account has the email',
    remedy: 'Log in, or use another email'
  },
  SYNC_TOKEN_EXPIRED: {
    status: 410,
    detail: 'Sync token expired',
    when: '`since` is older than the changes that are kept, or from a state that a restored backup has undone',
    remedy: 'Start again without `since`'
  },
  PRECONDITION_FAILED: {
    status: 412,
    detail: 'Precondition failed',
    when: 'The task is in another state than `If-Match` names',
    remedy: 'Read the task again; `ETag` names its present state'
  },
  BODY_TOO_LARGE: { status: 413, detail: 'Request body too large', when: 'The body is over 64 KiB', remedy: 'Send less' },
  URI_TOO_LONG: { status: 414, detail: 'URI too long', when: 'The URL is too long', remedy: 'Shorten it' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    detail: 'Unsupported media type',
    when: 'The body is not `application/json` (or a merge patch, where that is accepted), or it is compressed',
    remedy: 'Send `Content-Type: application/json`'
  },
  EXPECTATION_FAILED: { status: 417, detail: 'Expectation failed', when: '`Expect` asks for something unknown', remedy: 'Leave `Expect` out' },
  TOO_MANY_REQUESTS: { status: 429, detail: 'Too many requests', when: 'The rate limit is exceeded', remedy: 'Wait for `Retry-After` seconds' },
  HEADERS_TOO_LARGE: {
    status: 431,
    detail: 'Request header fields too large',
    when: 'The headers are too long',
    remedy: 'Send fewer or shorter ones'
  },
  INTERNAL: { status: 500, detail: 'Internal server error', when: 'A bug of the server', remedy: 'Report it with the `X-Request-Id`' },
  DATABASE_UNAVAILABLE: {
    status: 503,
    detail: 'Service unavailable',
    when: 'The database cannot be reached, or takes too long',
    remedy: 'Try again after `Retry-After` seconds; a write may have been done, so read first'
  },
  OVERLOADED: {
    status: 503,
    detail: 'Service unavailable',
    when: 'The server is overloaded; it has done nothing',
    remedy: 'Try again after `Retry-After` seconds'
  },
  MAIL_UNAVAILABLE: {
    status: 503, detail: 'Service unavailable', when: 'The server cannot send mails', remedy: 'Ask whoever runs the server'
  },
  STOPPING: {
    status: 503,
    detail: 'Service unavailable',
    when: 'The server is stopping; it has done nothing',
    remedy: 'Try again after `Retry-After` seconds'
  }
} as const satisfies Record<string, Entry>

export type ErrorCode = keyof typeof catalogue

/** The statuses of some errors. */
export type StatusOf<Code extends ErrorCode> = (typeof catalogue)[Code]['status']

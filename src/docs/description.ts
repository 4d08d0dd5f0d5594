import { catalogue } from '../errors/catalogue.js'

/** The `detail` of a 422 is a list. */
const invalid = { status: 422, detail: null, when: 'The request is understood and breaks a rule', remedy: 'Correct what `loc` names' }

/** A row for each error. */
const errorRows = [...Object.values(catalogue), invalid].sort((a, b) => a.status - b.status)
  .map(({ status, detail, when, remedy }) => `| ${status} | ${detail ? `\`${detail}\`` : 'the broken rules, at most 20'} | ${when} | ${remedy} |`)
  .join('\n')

/** What the documentation pages say first, in Markdown. */
export const description = `A to-do list for many people: everyone signs up, logs in, and keeps tasks that nobody else can see or touch.

1. **Accounts** – \`POST /api/auth/signup\`, then \`POST /api/auth/login\` for a token.
2. **Create and list** – \`POST /api/tasks\`, and \`GET /api/tasks\` by page or by cursor, with \`q\` to search and \`sort\` to order.
3. **Update and complete** – \`PUT\` and \`PATCH /api/tasks/{task_id}\`, \`PATCH /api/tasks/{task_id}/complete\`.
4. **Delete** – \`DELETE /api/tasks/{task_id}\`.
5. **Documents and errors** – [/docs](docs) to try it, [/redoc](redoc) to read it, [/openapi.json](openapi.json) for programs.

## Getting a token

Log in, then send the answer's \`access_token\` as \`Authorization: Bearer …\`. On [/docs](docs), *Try it out* on *Log in* authorizes the page.

## Keeping a person logged in

A login begins a session. Its access token lives for \`expires_in\` seconds; its refresh token gets the next pair from
\`POST /api/auth/refresh\`, for as long as it is used now and then (\`refresh_expires_in\`). Renew shortly before the access token expires, and
after a 401; keep the new refresh token before using it. It is safe to send the last refresh token again, so repeat a request whose answer
was lost: 429, 503 and network errors log nobody out, only a 401 of \`refresh\` does. An older token that turns up later is taken for a
stolen one and ends the session. Let the tabs of a browser share one pair, and renew under a lock (\`navigator.locks\`).

There are no cookies: a token that only your own code can send cannot be used by another site (CSRF), and works from any origin and any kind of
client. In return a front end must not run foreign scripts: code that runs in a page can read what the page stores.
\`POST /api/auth/logout\` ends the session and, within two seconds, its access tokens everywhere; \`GET /api/auth/sessions\` shows the others.

## Limits

Signups, logins and requests for mails are counted by address, signups and logins also by account and address, renewals by session, operations
that ask for the password by user, and every other operation by user. \`RateLimit-Policy\` says what is
allowed: \`"user";q=1000;w=60\` is a thousand requests in 60 seconds. \`RateLimit\` says what is left: \`"user";r=999;t=60\`.

## Lost updates and lost answers

Every task comes with an \`ETag\`, which names its state. Sent back as \`If-Match\` with a PUT, PATCH or DELETE, it allows the write
only if nobody has changed the task meanwhile; otherwise the answer is 412. Sent as \`If-None-Match\` with a GET, it gets a 304 without a body
if nothing has changed. A POST with an \`Idempotency-Key\`, a new text for each task, can be repeated until there is an answer.

## Keeping a front end up to date

Three ways, from the simplest to the most economical; each is enough by itself.

1. **Ask again** – \`GET /api/tasks\` with the \`ETag\` of the last page as \`If-None-Match\`: 304 as long as nothing has changed.
2. **Ask for what has changed** – \`GET /api/tasks/changes\` until \`has_more\` is false, later again with the last \`next\` as \`since\`. Put each
   \`task\` in the place of the one with its \`id\`, remove each \`deleted\`: the result is exactly what the server has. After 410 start again without \`since\`.
3. **Be told** – \`GET /api/tasks/events\`, after the same \`next\`: \`task\` and \`deleted\` as above, as they happen. When the stream ends, reconnect
   with the last \`id\` as \`Last-Event-ID\`; after \`reset\` repeat the second step without \`since\`; after \`unauthenticated\` renew the token.

## Errors

Every error answer is \`{"detail": …, "status_code": …}\`; \`status_code\` repeats the HTTP status. The \`detail\` is a constant text
that a program can compare; for a 422 it is the list of the broken rules. Every answer has an \`X-Request-Id\`: quote it when
you report one.

<details><summary>Every status</summary>

| status | \`detail\` | when | what to do |
|---|---|---|---|
${errorRows}

</details>

Each broken rule of a 422 has its place (\`loc\`: \`body\`, \`query\`, \`path\` or \`header\`, then the names down to the value), a text for people (\`msg\`) and
a stable name for programs (\`type\`):

<details><summary>Every type</summary>

| \`type\` | when | what to do |
|---|---|---|
| \`value_error.missing\` | A required value, or the whole body, is absent | Send it |
| \`value_error.extra\` | The body or the query has an unknown name | Remove it, or correct its spelling |
| \`type_error.string\` | The value is not a string | Send a string; nothing is converted in bodies |
| \`type_error.integer\` | The value is not a whole number, or came twice | Send digits, once |
| \`type_error.bool\` | The value is neither true nor false, or came twice | Send \`true\` or \`false\`, once |
| \`type_error.object\` | The body is not an object | Send \`{…}\` |
| \`value_error.email\` | The text is not an email address | Ask for one like \`name@example.com\` |
| \`value_error.date\` | The text is not a calendar day, \`YYYY-MM-DD\` | Ask for a day, without a time |
| \`value_error.enum\` | The text is not one of the allowed values | Send one that \`msg\` lists |
| \`value_error.uuid\` | The id is not a UUID of 8-4-4-4-12 hexadecimal digits | Send an \`id\` as the server returned it |
| \`value_error.str.min_length\` | The text has too few characters (Unicode code points) | Ask for a longer one |
| \`value_error.str.max_length\` | The text has too many characters (Unicode code points) | Ask for a shorter one |
| \`value_error.str.pattern\` | The text is only white space, or has U+0000 or half a surrogate pair | Ask for something visible |
| \`value_error.number.not_ge\` | The number is too small | Send at least the minimum |
| \`value_error.number.not_le\` | The number is too large | Send at most the maximum |
| \`value_error.cursor\` | The \`cursor\` is not the \`next_cursor\` of a page with this order and these filters, or came with \`offset\` | Start again without a cursor |
| \`value_error.since\` | The \`since\` is neither a \`next\` of the user's changes nor the id of an event | Start again without it |
| \`value_error.idempotency_key\` | The \`Idempotency-Key\` has other characters than U+0021 to U+007E, has too many, or has created another task | Send a new one for each task |
| \`value_error.token\` | The \`token\` is not that of a mail, has expired, or has been used | Ask for another mail |

</details>`

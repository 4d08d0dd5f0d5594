import { Type, type Static } from '@sinclair/typebox'
import { Id, NullableDate, NullableText, Timestamp, anyText, strict, visibleText } from './common.js'

/** The limits of a task's texts, in code points. The table's columns follow them. */
export const taskLimits = {
  title: { minLength: 1, maxLength: 200 },
  description: { maxLength: 2000 }
} as const

/** How many tasks a page has. */
export const pageLimits = { minimum: 1, maximum: 100, default: 50 } as const

/** How long the words are that a list is searched for, in code points. */
const searchLimits = { minLength: 1, maxLength: 100 } as const

/** The orders of a list. `-` is descending. */
const sorts = ['-created_at', 'created_at', 'due_date'] as const

/** How many tasks a page skips: more than 32 bits, and no more than a JavaScript number holds exactly. */
const skipped = { format: 'int64', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const

const title = Type.String({ ...taskLimits.title, ...visibleText, description: 'Not only white space', examples: ['Buy milk'] })
const description = NullableText({ ...taskLimits.description, ...anyText, description: 'Any text, or null', examples: ['Two litres'] })
const isCompleted = Type.Boolean({ description: 'Whether the task is done' })
const dueDate = NullableDate({ description: 'The day on which the task is due, or null; no time zone applies' })

/** What a client writes of a task, in a POST or a PUT. */
const content = { title, description: Type.Optional(description), due_date: Type.Optional(dueDate) }

export const exampleTask = {
  id: '019b92d4-2ee0-7b1e-8a4b-3f0d9c2e7b55',
  title: 'Buy milk',
  description: 'Two litres',
  is_completed: false,
  due_date: '2026-01-09',
  user_id: '019b92d4-1f40-7a3c-9c55-5d2f0b8f6a01',
  created_at: '2026-01-06T10:30:04.000Z',
  updated_at: '2026-01-06T10:30:04.000Z'
}

export const Task = Type.Object({
  id: Id({ description: 'A UUIDv7: ids sort by creation' }),
  title,
  description,
  is_completed: isCompleted,
  due_date: dueDate,
  user_id: Id({ description: 'The owner' }),
  created_at: Timestamp(),
  updated_at: Timestamp({ description: 'When the task was last changed; never goes back' })
}, {
  $id: 'Task',
  ...strict,
  description: 'A task, which only its owner can see',
  examples: [exampleTask]
})
export type Task = Static<typeof Task>

export const TaskCreate = Type.Object(content, {
  $id: 'TaskCreate',
  ...strict,
  description: 'A new task',
  examples: [{ title: 'Buy milk', description: 'Two litres', due_date: '2026-01-09' }]
})
export type TaskCreate = Static<typeof TaskCreate>

export const TaskUpdate = Type.Object(content, {
  $id: 'TaskUpdate',
  ...strict,
  description: 'The new content. An absent description becomes null, an absent due date stays as it is',
  examples: [{ title: 'Buy oat milk', description: null }]
})
export type TaskUpdate = Static<typeof TaskUpdate>

/** A merge patch (RFC 7396): null clears a value, where that may be null. */
export const TaskPatch = Type.Object({
  title: Type.Optional(title),
  description: Type.Optional(description),
  due_date: Type.Optional(dueDate),
  is_completed: Type.Optional(isCompleted)
}, {
  $id: 'TaskPatch',
  ...strict,
  description: 'The members to change: absent ones stay as they are, null clears',
  examples: [{ title: 'Buy oat milk', due_date: null }]
})
export type TaskPatch = Static<typeof TaskPatch>

export const TaskCompletion = Type.Object({ is_completed: isCompleted }, {
  $id: 'TaskCompletion',
  ...strict,
  description: 'Done or not done',
  examples: [{ is_completed: true }]
})
export type TaskCompletion = Static<typeof TaskCompletion>

export const TaskPage = Type.Object({
  tasks: Type.Array(Type.Unsafe<Task>(Type.Ref('Task'))),
  total: Type.Optional(Type.Integer({ minimum: 0, description: 'How many tasks match in all; offset pages only' })),
  limit: Type.Integer(pageLimits),
  offset: Type.Optional(Type.Integer({ ...skipped, description: 'How many tasks were skipped; offset pages only' })),
  next_cursor: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Pass it back as `cursor` for the next page; null on the last page'
  })
}, {
  $id: 'TaskPage',
  ...strict,
  description: 'A page of tasks, in the requested order',
  examples: [{ tasks: [exampleTask], total: 1, limit: 50, offset: 0, next_cursor: null }]
})
export type TaskPage = Static<typeof TaskPage>

/** The issue for an invalid cursor, whether its characters are wrong or its content. */
export const cursorIssue = { msg: 'must be the next_cursor of a page of the same list', type: 'value_error.cursor' } as const

// Parameters have no examples: the documentation page would fill them in, and "Try it out" would ask for what nobody has meant.

/** Without a default for `offset`: with one, "cursor together with offset" could not be detected. */
export const TaskQuery = Type.Object({
  limit: Type.Integer({ ...pageLimits, description: 'How many tasks at most' }),
  offset: Type.Optional(Type.Integer({ ...skipped, description: 'How many to skip, 0 by default. Not together with `cursor`' })),
  cursor: Type.Optional(Type.String({
    minLength: 1,
    pattern: '^[A-Za-z0-9_-]*$',
    'x-issue': cursorIssue,
    description: 'The `next_cursor` of a page with the same `sort`, filter, dates and `q`'
  })),
  is_completed: Type.Optional(Type.Boolean({ description: 'Only tasks that are done, or only open ones' })),
  sort: Type.Optional(Type.Unsafe<typeof sorts[number]>({
    type: 'string',
    enum: [...sorts],
    description: '`-created_at` (newest first, the default), `created_at` (oldest first), or `due_date` (soonest first, tasks without one last)'
  })),
  due_after: Type.Optional(Type.String({ format: 'date', description: 'Only tasks due on this day or later, like `2026-12-01`' })),
  due_before: Type.Optional(Type.String({ format: 'date', description: 'Only tasks due on this day or earlier, like `2026-12-31`' })),
  q: Type.Optional(Type.String({
    ...searchLimits,
    ...visibleText,
    description: 'Words separated by white space; each has to occur in the title or the description, in any case'
  }))
}, strict)
export type TaskQuery = Static<typeof TaskQuery>

/** What a 422 says of a key that cannot be taken. */
export const keyIssue = {
  msg: 'must be 1 to 255 characters from U+0021 to U+007E, and not that of another task', type: 'value_error.idempotency_key'
} as const

/** The headers that make a write or a read conditional. Without rules: a value that is not a list of tags matches nothing. */
export const IfMatch = Type.Object({
  'If-Match': Type.Optional(Type.String({
    description: 'Write only if the task still has this `ETag`, like `"42-1767693004000.1"` (or one of several, separated by commas; `*` matches any); otherwise 412'
  }))
})
export const IfNoneMatch = Type.Object({
  'If-None-Match': Type.Optional(Type.String({
    description: 'The `ETag` of what the client has, like `"42-1767693004000.1"`: if it is still current, the answer is 304 without a body'
  }))
})

/** One line without white space: several headers of that name, which Node joins with a comma and a space, are none. */
export const IdempotencyKey = Type.Object({
  'Idempotency-Key': Type.Optional(Type.String({
    pattern: '^[\\x21-\\x7E]{1,255}$',
    'x-issue': keyIssue,
    description: 'A new text for each task, such as a UUID. A repeated request with the same key gets the first answer again'
  }))
})

const taskId = { task_id: Id({ description: 'The task' }) }
const userId = { user_id: Id({ description: 'The owner; has to be the subject of the token' }) }

/** The path parameters of the two mounts. */
export const TaskPath = Type.Object(taskId)
export const OwnerPath = Type.Object(userId)
export const OwnerTaskPath = Type.Object({ ...userId, ...taskId })
export type TaskPath = Static<typeof TaskPath>
export type OwnerPath = Static<typeof OwnerPath>

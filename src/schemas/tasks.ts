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
const isCompleted = Type.Boolean({ description: 'Whether it is done' })
const dueDate = NullableDate({ description: 'The day on which it is due, or null: a day, so that no time zone moves it' })

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
  updated_at: Timestamp({ description: 'The last PUT or PATCH; never goes back' })
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
  description: 'The whole new content: without a description it becomes null. A due date that is absent stays',
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
  description: 'What changes: what is absent stays, and null clears',
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
  total: Type.Optional(Type.Integer({ minimum: 0, description: 'How many tasks there are (of the filter); offset pages only' })),
  limit: Type.Integer(pageLimits),
  offset: Type.Optional(Type.Integer({ ...skipped, description: 'How many were skipped; offset pages only' })),
  next_cursor: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Pass it back as `cursor` for the next page; null on the last one'
  })
}, {
  $id: 'TaskPage',
  ...strict,
  description: 'Some of the tasks, in the order that was asked for',
  examples: [{ tasks: [exampleTask], total: 1, limit: 50, offset: 0, next_cursor: null }]
})
export type TaskPage = Static<typeof TaskPage>

/** What a 422 says of a text that is no cursor, whether its characters tell or only its meaning. */
export const cursorIssue = { msg: 'must be the next_cursor of a page of the same list', type: 'value_error.cursor' } as const

// Parameters have no examples: the documentation page would fill them in, and "Try it out" would ask for what nobody has meant.

/** Without a default for `offset`: with one, "cursor together with offset" could not be told. */
export const TaskQuery = Type.Object({
  limit: Type.Integer({ ...pageLimits, description: 'How many tasks at most' }),
  offset: Type.Optional(Type.Integer({ ...skipped, description: 'How many to skip; 0 when absent. Not together with `cursor`' })),
  cursor: Type.Optional(Type.String({
    minLength: 1,
    pattern: '^[A-Za-z0-9_-]*$',
    'x-issue': cursorIssue,
    description: 'The `next_cursor` of a page with the same `sort`, filter, dates and `q`'
  })),
  is_completed: Type.Optional(Type.Boolean({ description: 'Only the done, or only the open ones' })),
  sort: Type.Optional(Type.Unsafe<typeof sorts[number]>({
    type: 'string',
    enum: [...sorts],
    description: '`-created_at`, newest first, when absent; `created_at`, oldest first; `due_date`, soonest first, tasks without one last'
  })),
  due_after: Type.Optional(Type.String({ format: 'date', description: 'Only those due on this day or later, like `2026-12-01`' })),
  due_before: Type.Optional(Type.String({ format: 'date', description: 'Only those due on this day or earlier, like `2026-12-31`' })),
  q: Type.Optional(Type.String({
    ...searchLimits,
    ...visibleText,
    description: 'Words with white space between: each has to be somewhere in the title or the description, in any case'
  }))
}, strict)
export type TaskQuery = Static<typeof TaskQuery>

/** What a 422 says of a key that cannot be taken. */
export const keyIssue = {
  msg: 'must be 1 to 255 characters from U+0021 to U+007E, and not that of another task', type: 'value_error.idempotency_key'
} as const

/** The headers that make a write or a read conditional. None has a rule: what is no list of tags matches nothing. */
export const IfMatch = Type.Object({
  'If-Match': Type.Optional(Type.String({
    description: 'Only if the task is in the state of this `ETag`, like `"42-1767693004000.1"` (or of one of several, with commas; `*` is any). Else 412'
  }))
})
export const IfNoneMatch = Type.Object({
  'If-None-Match': Type.Optional(Type.String({
    description: 'The `ETag` of what is already there, like `"42-1767693004000.1"`: if it is that still, the answer is 304 without a body'
  }))
})

/** One line without white space: several headers of that name, which Node joins with a comma and a space, are none. */
export const IdempotencyKey = Type.Object({
  'Idempotency-Key': Type.Optional(Type.String({
    pattern: '^[\\x21-\\x7E]{1,255}$',
    'x-issue': keyIssue,
    description: 'A new text for each task, such as a UUID. Who sends a request again with the same key gets the first answer again'
  }))
})

const taskId = { task_id: Id({ description: 'The task' }) }
const userId = { user_id: Id({ description: 'The owner: has to be the token\'s subject' }) }

/** The path parameters of the two mounts. */
export const TaskPath = Type.Object(taskId)
export const OwnerPath = Type.Object(userId)
export const OwnerTaskPath = Type.Object({ ...userId, ...taskId })
export type TaskPath = Static<typeof TaskPath>
export type OwnerPath = Static<typeof OwnerPath>

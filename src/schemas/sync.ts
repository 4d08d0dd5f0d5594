import { Type, type Static } from '@sinclair/typebox'
import { Id, strict } from './common.js'
import { exampleTask, type Task } from './tasks.js'

/** How many changes a page has. */
const changesLimits = { minimum: 1, maximum: 500, default: 100 } as const

/** The issue for an invalid position, whether its characters are wrong or its content. */
export const sinceIssue = { msg: 'must be the next of your own changes, or the id of an event', type: 'value_error.since' } as const

const since = Type.Optional(Type.String({
  minLength: 1,
  pattern: '^[A-Za-z0-9_-]*$',
  'x-issue': sinceIssue,
  description: 'Where to begin: the `next` of a page of changes, or the id of an event'
}))

export const ChangesQuery = Type.Object({ since, limit: Type.Integer({ ...changesLimits, description: 'How many changes at most' }) }, strict)
export type ChangesQuery = Static<typeof ChangesQuery>

export const EventsQuery = Type.Object({ since }, strict)

export const EventsHeaders = Type.Object({
  'Last-Event-ID': Type.Optional(Type.String({
    description: 'The id of the last event received, as an EventSource sends it when it reconnects; takes precedence over `since`'
  }))
})

export const TaskChange = Type.Object({
  task: Type.Optional(Type.Unsafe<Task>(Type.Ref('Task'))),
  deleted: Type.Optional(Type.Object({ id: Id() }, strict))
}, {
  $id: 'TaskChange',
  ...strict,
  minProperties: 1,
  maxProperties: 1,
  description: 'The present state of a task, or the id of a deleted one',
  examples: [{ task: exampleTask }, { deleted: { id: exampleTask.id } }]
})
export type TaskChange = { task: Task } | { deleted: { id: string } }

export const ChangesPage = Type.Object({
  changes: Type.Array(Type.Unsafe<TaskChange>(Type.Ref('TaskChange'))),
  next: Type.String({ description: 'Opaque: where the next page begins, also after the last page' }),
  has_more: Type.Boolean({ description: 'Whether there is more to fetch now' })
}, {
  $id: 'ChangesPage',
  ...strict,
  description: 'What has changed, in order. A page may have fewer than `limit` changes, even none, while more follow',
  examples: [{ changes: [{ deleted: { id: exampleTask.id } }], next: 'MDE5YjkyZDRfN18xNzY3Njk1NDA0MDAw', has_more: false }]
})
export type ChangesPage = Static<typeof ChangesPage>

export const EventStreamText = Type.String({
  $id: 'EventStreamText',
  description: 'A stream of events, which does not end by itself (HTML Standard, section 9.2)',
  examples: ['event: ready\ndata: {"position":"MDE5YjkyZDRfN18xNzY3Njk1NDA0MDAw"}\n\n']
})

import type { Task } from '../schemas/tasks.js'

/** A state of a task: the number of its newest change, and the time of that, in milliseconds since 1970. */
export interface Version { revision: number, time: number }

/** What a task is made from. Null is none. */
export interface Content { title: string, description: string | null, dueDate?: string | null }

/** What a patch changes; the rest stays. */
export interface Patch extends Partial<Content> { completed?: boolean }

/** A state of all tasks of an owner: the number and the time of the newest change to any of them. */
export interface ListState extends Version { owner: string }

/** Some of the tasks, and the state that they are of. */
export interface Page extends ListState { tasks: Task[], total: number }

/** Where a page begins: after the task of this id and this value of what the list is sorted by (null: not due). */
export interface Position { key: string | null, id: string }

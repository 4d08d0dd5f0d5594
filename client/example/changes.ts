import type { Task, TaskPatch } from 'todo-backend-client'
import type { Content } from './forms.js'
import type { Kept } from './store.js'

/** A task as an answer has told it, and the tag of that state. */
export interface Read { task: Task, tag: string }

/** Why the server did not take a change that had been waiting: the task is another one by now, or gone, or a rule is broken. */
export type Problem = { is: 'conflict', now: Read } | { is: 'gone' } | { is: 'refused', text: string }

interface Every {
  /** Its place in the queue. */
  key?: number
  /** Of its task. A task that was made here has the key of its creation as its id, until the server has given it one. */
  id: string
  /** Whether it is shown as if it were done: it has been sent without an answer, or could not be sent. */
  isWaiting?: boolean
  problem?: Problem
}

/** Something that a person has done and the server has not answered yet. */
export type Change = Every & (
  | { kind: 'create', content: Content, made: string }
  | { kind: 'patch', patch: TaskPatch, seen: Task, tag?: string }
  | { kind: 'remove', seen: Task, tag?: string }
)

/** A change as it is written down first. */
export type NewChange = Change extends infer Each ? Each extends Change ? Omit<Each, 'key' | 'isWaiting' | 'problem'> : never : never

/** @returns the tasks as they will be when what waits is done */
export function withChanges (kept: Kept[], changes: Change[]): Task[] {
  const tasks = new Map(kept.map(({ id, task }) => [id, task]))
  for (const change of changes) {
    if (!change.isWaiting || change.problem) continue
    const { id } = change
    const task = tasks.get(id)
    if (change.kind === 'create') tasks.set(id, created(id, change.content, change.made))
    else if (change.kind === 'remove') tasks.delete(id)
    else if (task) tasks.set(id, { ...task, ...change.patch })
  }
  return [...tasks.values()]
}

/** A task before the server has seen it. */
const created = (id: string, content: Content, made: string): Task =>
  ({ id, ...content, is_completed: false, user_id: '', created_at: made, updated_at: made })

/** @returns what has to be patched for a task to be as it is wanted */
export const difference = (task: Task, wanted: TaskPatch): TaskPatch =>
  Object.fromEntries(Object.entries(wanted).filter(([name, value]) => task[name as keyof TaskPatch] !== value))

/** @returns whether a task is as somebody wants it: the answer to an earlier try was lost, or somebody else wanted the same */
export const isAsWanted = (task: Task, wanted: TaskPatch): boolean => Object.keys(difference(task, wanted)).length === 0

import type { OwnedTasks } from '../repositories/owned-tasks.js'
import type { Change, OwnedChanges, TaskChange } from '../repositories/owned-changes.js'
import type { ChangesPage, TaskChange as Told } from '../schemas/sync.js'
import { tokenOf, type Place, type Position } from './positions.js'

/** Why there is no page: the position has expired, or the owner is gone. */
export type NoPage = 'expired' | 'owner gone'

/**
 * What the changes of a page tell: of each task once, and nothing of those that a later change tells of.
 * @returns each with the change that it came with
 */
export function toldOf (changes: TaskChange[]): Array<{ told: Told, by: Change }> {
  const lastOf = new Map(changes.map(({ id, revision }) => [id, revision]))
  return changes.flatMap(({ id, task, revision, time }) => {
    if (task === 'later' || lastOf.get(id) !== revision) return []
    return { told: task ? { task } : { deleted: { id } }, by: { revision, time } }
  })
}

/**
 * A page of what an owner's tasks were and became. Without a position it walks through what there is, oldest first; then it goes
 * on with what has changed since that walk began.
 * @param position after which the page begins
 */
export async function changesAfter (
  tasks: OwnedTasks, changes: OwnedChanges, position: Position | null, limit: number
): Promise<ChangesPage | NoPage> {
  if (position && !position.walked) return await journalPage(changes, position.seen, limit)
  return await walkPage(tasks, changes.owner, position, limit)
}

async function journalPage (changes: OwnedChanges, seen: Change, limit: number): Promise<ChangesPage | NoPage> {
  const page = await changes.after(seen, limit)
  if (!page) return await changes.newest() ? 'expired' : 'owner gone'
  const last = page.changes.at(-1) ?? seen
  return {
    changes: toldOf(page.changes).map(({ told }) => told),
    next: tokenOf({ owner: changes.owner, seen: last }),
    has_more: page.hasMore
  }
}

async function walkPage (
  tasks: OwnedTasks, owner: string, position: Position | null, limit: number
): Promise<ChangesPage | NoPage> {
  const query = { sort: 'created_at' } as const
  const walked = position?.walked
  const page = walked
    ? await tasks.listAfter(limit, { key: new Date(walked.time).toISOString(), id: walked.id }, query)
    : await tasks.list(limit, 0, query)
  if (!page) return 'owner gone'
  // The tasks of the first page are of the moment of this change; those of a later one may be younger, and are told again then.
  const seen = position?.seen ?? { revision: page.revision, time: page.time }
  const last = page.tasks.at(-1)
  const isOver = !last || page.tasks.length < limit
  const walkedTo: Place | undefined = isOver ? undefined : { time: Date.parse(last.created_at), id: last.id }
  return {
    changes: page.tasks.map((task) => ({ task })),
    next: tokenOf({ owner, seen, walked: walkedTo }),
    has_more: !isOver || page.revision !== seen.revision || page.time !== seen.time
  }
}

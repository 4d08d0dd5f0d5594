import type { OwnedTasks } from '../repositories/owned-tasks.js'
import type { Change, OwnedChanges, TaskChange } from '../repositories/owned-changes.js'
import type { ChangesPage, TaskChange as Told } from '../schemas/sync.js'
import { tokenOf, type Place, type Position } from './positions.js'

/** Why there is no page: the position has expired, or the owner is gone. */
export type NoPage = 'expired' | 'owner gone'

/**
 * Reduces the changes of a page to one per task, without those that a later change replaces.
 * @returns each with the change that it came from
 */
export function toldOf (changes: TaskChange[]): Array<{ told: Told, by: Change }> {
  const lastOf = new Map(changes.map(({ id, revision }) => [id, revision]))
  return changes.flatMap(({ id, task, revision, time }) => {
    if (task === 'later' || lastOf.get(id) !== revision) return []
    return { told: task ? { task } : { deleted: { id } }, by: { revision, time } }
  })
}

/**
 * A page of an owner's changes. Without a position it goes through the existing tasks, oldest first, and then through what has
 * changed since that walk began.
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
  // The first page shows the tasks as of this change; later pages may show newer states, whose changes are sent again afterwards.
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

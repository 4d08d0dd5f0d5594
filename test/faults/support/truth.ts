import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../support/until.js'
import type { Person } from './client.js'
import type { Cluster } from './cluster.js'
import type { Seen } from './keeper.js'

/** What somebody has in the end: the number of the last change, and the text of each task as GET returns it. */
interface Truth { number: number, tasks: Record<string, string> }

/** Asks for every task that is in the tables. @param base of the server, which is in order */
export async function truthOf ({ sql }: Cluster, base: string, people: Person[]): Promise<Map<string, Truth>> {
  const rows = await sql(`select list.owner_id as owner, list.revision::int as number, string_agg(task.id::text, ',') as ids
    from todo.task_lists list left join todo.tasks task on task.owner_id = list.owner_id group by list.owner_id, list.revision`)
  const all = await Promise.all(people.map(async ({ id: owner, token }): Promise<[string, Truth]> => {
    const { number, ids } = rows.find((row) => row.owner === owner) as { number: number, ids: string | null }
    const tasks: Truth['tasks'] = {}
    for (const id of ids?.split(',') ?? []) tasks[id] = await textOf(`${base}/api/tasks/${id}`, token)
    return [owner, { number, tasks }]
  }))
  return new Map(all)
}

/** Asks until there is an answer: a replica may have to be found out first. */
async function textOf (url: string, token: string): Promise<string> {
  let text = ''
  await until(`there is ${url}`, async () => {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    text = await answer.text()
    return answer.ok
  })
  return text
}

/** Waits until everybody has been told the last change, for some seconds at most. @returns what they have seen then */
export async function settled (ask: () => Promise<Seen[]>, truth: Map<string, Truth>, seconds: number): Promise<Seen[]> {
  for (const end = Date.now() + seconds * 1000; ; await sleep(100)) {
    const seen = await ask()
    if (Date.now() > end || seen.every((one) => isUpToDate(one, truth))) return seen
  }
}

/** Whether somebody has been told the last change, and so takes what they have for all there is. */
export const isUpToDate = ({ owner, number }: Seen, truth: Map<string, Truth>): boolean => number >= truth.get(owner)!.number

/** How many tasks somebody has otherwise than they are, or not, or beside them. */
export function missedBy ({ owner, tasks }: Seen, truth: Map<string, Truth>): number {
  const { tasks: present } = truth.get(owner)!
  return [...new Set([...Object.keys(tasks), ...Object.keys(present)])].filter((id) => tasks[id] !== present[id]).length
}

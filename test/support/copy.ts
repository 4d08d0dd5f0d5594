import type { Person } from '../helper.js'

interface Page {
  changes: Array<{ task?: { id: string, title: string }, deleted?: { id: string } }>
  next: string
  has_more: boolean
}

/** What a client has that applies pages. */
export class Copy {
  readonly tasks = new Map<string, unknown>()
  next: string | undefined

  constructor (private readonly person: Person, private readonly path = '/api/tasks/changes') {}

  /** Applies one page. @returns whether there is more */
  async page (limit: number): Promise<boolean> {
    const { status, body } = await this.person.call('GET', `${this.path}?limit=${limit}${this.next === undefined ? '' : `&since=${this.next}`}`)
    if (status !== 200) throw new Error(JSON.stringify(body))
    const { changes, next, has_more: hasMore } = body as Page
    for (const { task, deleted } of changes) {
      if (task) this.tasks.set(task.id, task)
      else this.tasks.delete(deleted!.id)
    }
    this.next = next
    return hasMore
  }

  async all (limit = 100): Promise<void> {
    while (await this.page(limit));
  }
}

/** What the server has. */
export async function tasksOf (person: Person): Promise<unknown[]> {
  const all: unknown[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await person.call('GET', `/api/tasks?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`)
    all.push(...body.tasks)
    cursor = body.next_cursor
  }
  return all
}

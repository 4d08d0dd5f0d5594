import type { Task, TaskQuery } from 'todo-backend-client'

type Sort = NonNullable<TaskQuery['sort']>

/** What a person looks for. */
export interface Wanted { q: string, sort: Sort }

/** As the API compares texts, so that offline the same tasks are found. */
const plain = (text: string) => text.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ')

const compare = (a: string, b: string) => a < b ? -1 : Number(a > b)
const byCreation = (a: Task, b: Task) => compare(a.created_at, b.created_at) || compare(a.id, b.id)

const orders: Record<Sort, (a: Task, b: Task) => number> = {
  '-created_at': (a, b) => byCreation(b, a),
  created_at: byCreation,
  // Those without a date come last: ':' is greater than every digit.
  due_date: (a, b) => compare(a.due_date ?? ':', b.due_date ?? ':') || compare(a.id, b.id)
}

/** @returns the tasks whose title or description has every word, in an order: what `GET /api/tasks?q&sort` returns of them */
export function find (tasks: Task[], { q, sort }: Wanted): Task[] {
  const words = plain(q).split(/\s+/).filter(Boolean)
  const found = tasks.filter(({ title, description }) => {
    const texts = [plain(title), plain(description ?? '')]
    return words.every((word) => texts.some((text) => text.includes(word)))
  })
  return found.sort(orders[sort])
}

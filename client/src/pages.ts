import type { Batch, Change } from './changes.js'
import type { Course } from './course.js'
import { linked } from './pause.js'
import { TodoApiError } from './result.js'
import type { components } from './schema.js'

/** @returns the next page; null when the position has expired */
async function ask ({ send, signal, timing, position }: Course): Promise<components['schemas']['ChangesPage'] | null> {
  const link = linked(signal)
  const timer = setTimeout(link.abort, timing.answer)
  try {
    const query = { limit: 500, ...(position !== undefined && { since: position }) }
    const result = await send('get', '/api/tasks/changes', { params: { query }, signal: link.signal })
    if (result.status === 410) return null
    if (!result.ok) throw new TodoApiError(result)
    return result.body
  } finally {
    clearTimeout(timer)
    link.unlink()
  }
}

/** What there is now; it goes on until all of it has come, whatever happens meanwhile. */
export async function * pages (course: Course): AsyncGenerator<Batch, void> {
  for (let reset = course.position === undefined, hasMore = true; hasMore;) {
    const page = await ask(course).catch(course.failed)
    if (page === null) {
      course.position = undefined
      reset = true
    } else if (page) {
      course.failures = 0
      const from = course.position ?? ''
      const batch: Batch = { changes: page.changes as Change[], position: page.next, reset, hasMore: page.has_more }
      course.position = page.next
      hasMore = page.has_more
      const isNews = reset || batch.changes.length > 0 || from !== page.next
      if (course.state !== 'live') course.be('polling')
      course.see({ state: course.state, from: page.next, changes: [], ids: [] })
      if (isNews) yield batch
      reset = false
    }
  }
}

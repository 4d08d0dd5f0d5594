import type { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { exclusively, type Patience } from './exclusive.js'
import type { SessionOptions } from './session.js'

/**
 * Adds to each owner's count what it lacks, or subtracts what is too much. Concurrent writes add and subtract
 * in their own transactions, so that a count is wrong by the same number in every snapshot.
 */
const RECOUNT = `
  insert into public.task_counts as kept (owner_id, slot, open, done)
  select owner_id, 0, open, done from (
    select owner_id,
      coalesce(tasks.open, 0) - coalesce(counts.open, 0) as open, coalesce(tasks.done, 0) - coalesce(counts.done, 0) as done
    from (
      select owner_id, count(*) filter (where not is_completed) as open, count(*) filter (where is_completed) as done
      from public.tasks group by owner_id
    ) as tasks
    full join (
      select owner_id, sum(open) as open, sum(done) as done from public.task_counts group by owner_id
    ) as counts using (owner_id)
  ) as wrong
  where open <> 0 or done <> 0
  order by owner_id
  on conflict (owner_id, slot) do update set open = kept.open + excluded.open, done = kept.done + excluded.done
  returning owner_id`

/** @returns how many owners' counts were wrong. Two at once would correct them twice. @throws as `exclusively` */
export const recountPostgres = async (session: SessionOptions, times: Patience): Promise<number> =>
  await exclusively(session, times, async (tx) => (await tx.execute(sql.raw(RECOUNT))).length)

/** The same of an embedded database. */
export const recountEmbedded = async (client: PGlite): Promise<number> => (await client.query(RECOUNT)).rows.length

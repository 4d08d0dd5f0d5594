import { sql } from 'drizzle-orm'
import { prepareSql } from '../db/statement.js'
import type { Expiry, Sweep } from '../db/sweeps.js'
import { endings, idempotencyKeys, sessions, taskChanges, taskLists, users } from '../db/tables.js'
import { isAlive } from './sessions.js'
import { owner } from './task-row.js'

const { placeholder } = sql

const before = sql`${placeholder('before')}::timestamptz`
const after = sql`${placeholder('after')}::uuid`
const limit = sql`${placeholder('limit')}::bigint`

const DAY = 86_400_000

/** @returns the time so many days ago */
const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString()

/** What a look returns: `asked` says where it began. */
interface Seen { owner: string, asked: string, old: boolean }

/**
 * The journal. A change goes when the one after it is too old, and the newest of each owner stays for ever: whoever was up to
 * date within the time finds what came after. So the second of an owner tells. The lock is that of the owner's writers.
 */
export const sweepOfChanges = (days: number): Sweep => ({
  name: 'task changes',
  values: () => ({ before: ago(days) }),
  look: prepareSql('sweep.changes.look', sql<Seen>`
    select list.owner_id as owner, ${after} as asked, coalesce(second.changed_at < ${before}, false) as old
    from ${taskLists} list left join lateral (
      select change.changed_at from ${taskChanges} change where change.owner_id = list.owner_id
      order by change.revision offset 1 limit 1) second on true
    where list.owner_id > ${after} order by list.owner_id limit ${limit}`, { asked: 'after' }),
  remove: prepareSql('sweep.changes.remove', sql<{ owner: string }>`
    with list as materialized (select owner_id, revision from ${taskLists} where owner_id = ${owner} for update skip locked)
    delete from ${taskChanges} change using list
    where change.owner_id = ${owner} and change.owner_id = list.owner_id and change.revision < list.revision
      and change.revision in (
        select later.revision - 1 from (
          select any_change.revision, any_change.changed_at from ${taskChanges} any_change where any_change.owner_id = ${owner}
          order by any_change.revision limit ${limit} + 1) later
        where later.changed_at < ${before})
    returning change.owner_id as owner`, { owner: 'owner' })
})

/** Idempotency keys. A request with a key that has been removed creates another task. */
export const sweepOfKeys = (days: number): Sweep => ({
  name: 'idempotency keys',
  values: () => ({ before: ago(days) }),
  look: prepareSql('sweep.keys.look', sql<Seen>`
    select owner_id as owner, ${after} as asked, true as old from ${idempotencyKeys}
    where created_at < ${before} and owner_id > ${after} order by owner_id limit ${limit}`, { asked: 'after' }),
  remove: prepareSql('sweep.keys.remove', sql<{ owner: string }>`
    with old as materialized (
      select owner_id, key from ${idempotencyKeys} where owner_id = ${owner} and created_at < ${before}
      order by key limit ${limit} for update skip locked)
    delete from ${idempotencyKeys} key using old where key.owner_id = ${owner} and key.owner_id = old.owner_id and key.key = old.key
    returning key.owner_id as owner`, { owner: 'owner' })
})

/** Idle or old, or of an earlier password. */
const isOver = sql`(not (${isAlive}) or s.password_version < u.password_version)`

/**
 * Sessions that have been idle, or have lived, for too long; no access token of theirs lives any more. And those of an older
 * password that a process has left which died between the change and their end: these end, with their access tokens. An index on
 * the last use would make each renewal more expensive, so all owners are looked at.
 */
export const sweepOfSessions = (idleDays: number, maxDays: number): Sweep => ({
  name: 'sessions',
  values: () => ({ idle: ago(idleDays), max: ago(maxDays) }),
  look: prepareSql('sweep.sessions.look', sql<Seen>`
    select list.owner_id as owner, ${after} as asked, exists (
      select 1 from ${sessions} s where s.owner_id = list.owner_id and ${isOver}) as old
    from ${taskLists} list join ${users} u on u.id = list.owner_id
    where list.owner_id > ${after} order by list.owner_id limit ${limit}`, { asked: 'after' }),
  remove: prepareSql('sweep.sessions.remove', sql<{ owner: string }>`
    with gone as (
        delete from ${sessions} s using ${users} u
        where s.owner_id = ${owner} and u.id = s.owner_id and u.id = ${owner} and ${isOver}
        returning s.owner_id, s.id, s.password_version < u.password_version as is_outdated),
      ended as (insert into ${endings} (session_id, ended_at) select gone.id, now() from gone where gone.is_outdated on conflict do nothing)
    select gone.owner_id as owner from gone`, { owner: 'owner' })
})

/** Endings of sessions, when no access token of theirs can live: after 25 hours. */
export const sweepOfEndings: Expiry = {
  name: 'endings',
  values: () => ({ before: ago(25 / 24) }),
  expire: prepareSql('sweep.endings', sql<{ asked: number }>`
    with old as materialized (
      select session_id from ${endings} where ended_at < ${before} order by ended_at limit ${limit} for update skip locked)
    delete from ${endings} ending using old where ending.session_id = old.session_id returning ${limit} as asked`, { asked: 'limit' })
}

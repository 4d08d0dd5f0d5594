import { readdirSync } from 'node:fs'
import postgres from 'postgres'
import t from 'tap'
import { statements, type Statement, type Values } from '../../src/db/statement.js'
import { connectTo, createDatabase, serverUrl } from '../support/database.js'
import { teardown } from '../support/teardown.js'

/*
 * Each owner's rows are in one place, so that they can be on one of many machines: here the tables are partitioned by owner, and
 * every statement that the repositories make has to keep to one partition. A new one is looked at without being listed.
 */

/** Those that ask all, and why they may. */
const ASK_ALL = new Map([
  ['tasks.miss', 'whether a task is foreign or absent only all owners tell; asked when a task was not found'],
  ['changes.others', 'a process asks once a second for everybody who has a stream open there'],
  ['changes.present', 'the same, when one of them is gone'],
  ['sweep.changes.look', 'looks for owners'],
  ['sweep.keys.look', 'looks for owners'],
  ['sweep.sessions.look', 'looks for owners'],
  ['lists.compare', 'an operator has all lists counted']
])

const OWNER = '00000000-0000-7000-8000-000000000001'
const OTHER_ID = '00000000-0000-7000-9000-000000000009'
const PARTITIONS = 8

/** Values by the names of the placeholders, where the type does not tell. */
const TEXTS: Record<string, string> = { owner: OWNER, id: OWNER, owners: `{${OWNER},${OTHER_ID}}`, revisions: '{1,1}', times: '{1,1}', since: '2026-01-01Z', versions: '{1-1}' }

/** By PostgreSQL's type numbers: boolean, bytea, bigint, int, date, timestamptz, uuid. */
const BY_TYPE: Record<number, unknown> = { 16: true, 17: Buffer.from('x'), 20: 1, 23: 1, 1082: '2026-01-01', 1184: '2026-01-01Z', 2950: OTHER_ID }

interface Plan { 'Relation Name'?: string, Plans?: Plan[] }

const relations = ({ 'Relation Name': name, Plans: below = [] }: Plan): string[] => [...name ? [name] : [], ...below.flatMap(relations)]

/** The placeholders in the order of their numbers. */
const names = ({ bind }: Statement<unknown>) => bind(new Proxy<Values>({}, { get: (_, name) => name })) as string[]

/** Has every statement made: those of a page, and of a sweep, are when they are needed. */
async function makeAll (): Promise<void> {
  const folder = new URL('../../src/repositories/', import.meta.url)
  for (const file of readdirSync(folder)) await import(new URL(file.replace(/ts$/, 'js'), folder).href)
  const { pageStatement } = await import('../../src/repositories/task-pages.js')
  for (const kind of ['offset', 'cursor'] as const) {
    for (const sort of ['created_at', '-created_at', 'due_date'] as const) {
      for (let bits = 0; bits < 16; bits++) {
        const has = <Value>(bit: number, value: Value) => bits & bit ? value : undefined
        pageStatement(kind, { sort, completed: has(1, true), dueAfter: has(2, '2026-01-01'), dueBefore: has(4, '2026-01-01'), q: has(8, 'x') })
      }
    }
  }
  const { sweepOfChanges, sweepOfKeys, sweepOfSessions } = await import('../../src/repositories/sweeps.js')
  for (const sweep of [sweepOfChanges, sweepOfKeys]) sweep(1)
  sweepOfSessions(1, 1)
}

t.test('every statement keeps to the partition of its owner', { skip: !serverUrl && 'the embedded database is too slow for it' }, async (t) => {
  const { url, drop } = await createDatabase(serverUrl!)
  const database = connectTo(url)
  await database.start()
  await database.close()
  const client = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  teardown(t, async () => { await client.end(); await drop() })

  const owned = (await client`select table_name as name from information_schema.columns where table_schema = 'todo' and column_name = 'owner_id'`)
    .map(({ name }) => name as string)
  for (const name of owned) {
    await client.unsafe(`create table todo.by_owner (like todo.${name} including defaults including generated including constraints) partition by hash (owner_id);
      drop table todo.${name} cascade; alter table todo.by_owner rename to ${name}`)
    const key = { task_lists: 'owner_id', task_changes: 'owner_id, revision', idempotency_keys: 'owner_id, key' }[name] ?? 'owner_id, id'
    await client.unsafe(`alter table todo.${name} add primary key (${key})`)
    for (let n = 0; n < PARTITIONS; n++) {
      await client.unsafe(`create table todo.${name}_${n} partition of todo.${name} for values with (modulus ${PARTITIONS}, remainder ${n})`)
    }
  }

  /** The partitions that a statement reads or writes, by their numbers; `new` where a row goes to that of its owner. */
  async function touched (statement: Statement<unknown>): Promise<string[]> {
    // The driver has the types of the parameters there, and its own types do not say so.
    const { types } = await client.unsafe(statement.text).describe() as unknown as { types: number[] }
    const values = names(statement).map((name, index) => {
      // An account is its own owner.
      const isOwner = name === 'owner' || (name === 'id' && statement.name.startsWith('users.'))
      return isOwner ? OWNER : BY_TYPE[types[index]!] ?? TEXTS[name] ?? 'x'
    })
    const [row] = await client.unsafe(`explain (costs off, format json) ${statement.text}`, values as never[])
    const [{ Plan: plan }] = row!['QUERY PLAN'] as [{ Plan: Plan }]
    const isOwned = new RegExp(`^(?:${owned.join('|')})(?:_(\\d+))?$`)
    return [...new Set(relations(plan).flatMap((name) => isOwned.exec(name)?.slice(1) ?? []).map((part) => part ?? 'new'))]
  }

  await makeAll()
  t.ok(statements.size > 100, `${statements.size} statements`)
  await client.unsafe(`insert into todo.users (id, email, name, password_hash) values ('${OWNER}', 'a@b.c', 'A', 'x')`)
  const [{ part }] = await client.unsafe<[{ part: string }]>(`
    insert into todo.task_lists (owner_id) values ('${OWNER}') returning substring(tableoid::regclass::text from '\\d+$') as part`)
  const all = new Set<string>()
  for (const statement of statements) {
    const parts = await touched(statement)
    if (ASK_ALL.has(statement.name)) {
      all.add(statement.name)
      t.ok(parts.length >= PARTITIONS, `${statement.name} asks all: ${ASK_ALL.get(statement.name)!}`)
    } else {
      t.strictSame(parts.filter((one) => ![part, 'new'].includes(one)), [], `${statement.name} keeps to one partition`)
      if (parts.length > 0) t.ok(names(statement).some((name) => ['owner', 'id'].includes(name)), `${statement.name} binds the owner`)
    }
  }
  t.strictSame(all, new Set(ASK_ALL.keys()), 'none is excused that is not there')

  // The most volatile of those that have a name: v, s, i.
  const kinds = new Map((await client`select proname as name, max(provolatile::text) as most from pg_proc group by proname`)
    .map(({ name, most }) => [name as string, most as string]))
  const functions = (text: string) => [...text.matchAll(/\b([a-z_]+)\s*\(/g)].map(([, name]) => name!)
  for (const { name, text } of statements) {
    for (const [, set] of text.matchAll(/\bset\b([^]*?)\b(?:from|where|returning)\b/g)) {
      t.strictSame(functions(set!).filter((one) => (kinds.get(one) ?? 'i') !== 'i'), [], `${name} sets what each copy of a row would`)
    }
    if (/\b(insert into|update|delete from)\b/.test(text)) {
      t.strictSame(functions(text).filter((one) => kinds.get(one) === 'v'), [], `${name} writes nothing that another try would write otherwise`)
    }
  }
})

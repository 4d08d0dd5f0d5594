import { createHash } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../db/database.js'
import { ForeignAnswer } from '../db/errors.js'
import { build, prepare, type Statement, type Values } from '../db/statement.js'
import { tasks } from '../db/tables.js'
import type { Task } from '../schemas/tasks.js'
import { miss, ownerKnown, type Miss } from './task-misses.js'
import { listState, pageStatement, wordsOf, type ListQuery } from './task-pages.js'
import { ofTask, taskOf, byOwnerAndId, versioned, versionedRow, type VersionedTask } from './task-row.js'
import type { Content, ListState, Page, Patch, Position, Version } from './task-values.js'
import { complete, create, createOnce, patch, remove, storedKey, update } from './task-writes.js'

const find = prepare('tasks.find', build.select(versionedRow).from(tasks).where(byOwnerAndId), ofTask)

/** What tasksOf returns. A class, because one is made for each request; not exported, so that it has no other maker. */
class OwnedTasks {
  constructor (private readonly db: Database, private readonly owner: string) {}

  /**
   * A page by offset.
   * @returns at most `limit` tasks, and how many there are in all; null when the owner is gone
   */
  async list (limit: number, offset: number, query: ListQuery = {}): Promise<Page | null> {
    return this.#page('offset', query, { limit, offset })
  }

  /**
   * A page after a position in a list of the same query. Its cost does not depend on how deep it is.
   * @returns as `list`, without the total
   */
  async listAfter (limit: number, { key, id }: Position, query: ListQuery = {}): Promise<Omit<Page, 'total'> | null> {
    return this.#page('cursor', query, { limit, key: key ?? 'infinity', id })
  }

  /** The state of all tasks, from one row: no task is read. @returns null when the owner is gone */
  async state (): Promise<ListState | null> {
    const [found] = await this.db.run(listState, { owner: this.owner })
    return found ? stateOf(found) : await this.#gone(listState.name)
  }

  /** @returns the task, or null when it is not the owner's; `explain` tells why */
  async find (id: string): Promise<VersionedTask | null> {
    return this.#one(find, { id })
  }

  /** @returns the new task, or null when the owner is gone */
  async create (content: Content): Promise<VersionedTask | null> {
    return await this.#one(create, { id: uuidv7(), ...withoutGaps(content) }) ?? await this.#gone(create.name)
  }

  /**
   * Creates a task once, however often and wherever this is asked with the same key.
   * @returns the task as it was created, whatever became of it since, and whether that was before; `another` when it was with
   * other content, null when the owner is gone
   */
  async createOnce (key: string, content: Content): Promise<VersionedTask & { replayed: boolean } | 'another' | null> {
    const { title, description, dueDate } = withoutGaps(content)
    const hash = createHash('sha256').update(JSON.stringify([title, description, dueDate])).digest()
    // Once more for a key that is too old, and was swept away in between.
    for (let tries = 0; tries < 2; tries++) {
      const created = await this.#one(createOnce, { id: uuidv7(), key, hash, title, description, dueDate })
      if (created) return { ...created, replayed: false }
      const [stored] = await this.db.run(storedKey, { owner: this.owner, key })
      if (!stored) continue
      if (!hash.equals(stored.body_hash)) return 'another'
      const { task_id: id, created_at: time, revision } = stored
      const asked = { id, title, description, is_completed: false, due_date: dueDate, user_id: this.owner }
      return { task: { ...asked, created_at: time, updated_at: time }, revision, replayed: true }
    }
    return await this.#gone(createOnce.name)
  }

  /**
   * Replaces the content; a due date that is absent stays.
   * @param versions the states in which it may be; any when absent
   * @returns as `find`
   */
  async update (id: string, { title, description, dueDate }: Content, versions?: Version[]): Promise<VersionedTask | null> {
    return this.#write(update, { id, title, description, hasDueDate: dueDate !== undefined, dueDate: dueDate ?? null }, versions)
  }

  /** Changes what is given. @returns as `find` */
  async patch (id: string, patched: Patch, versions?: Version[]): Promise<VersionedTask | null> {
    const { title, description, dueDate, completed } = patched
    return this.#write(patch, {
      id,
      hasTitle: title !== undefined,
      title: title ?? null,
      hasDescription: description !== undefined,
      description: description ?? null,
      hasDueDate: dueDate !== undefined,
      dueDate: dueDate ?? null,
      completed: completed ?? null
    }, versions)
  }

  /** @param completed done, not done, or null, which toggles. @returns as `find` */
  async complete (id: string, completed: boolean | null, versions?: Version[]): Promise<VersionedTask | null> {
    return this.#write(complete, { id, completed }, versions)
  }

  /** @returns the id of what was removed, or null as `find` */
  async remove (id: string, versions?: Version[]): Promise<string | null> {
    const [removed] = await this.db.run(...this.#either(remove, { id }, versions))
    return removed?.id ?? null
  }

  /**
   * Tells why an id was not found. Only a miss pays for this question.
   * @param versions the states that were asked for
   * @throws ForeignAnswer when the owner has it, in whatever state it may be: a wrong answer has hidden it
   */
  async explain (id: string, versions?: Version[]): Promise<Miss> {
    const [found] = await this.db.run(miss, { owner: this.owner, id })
    if (!found!.known) return 'owner gone'
    if (found!.own && !versions) throw new ForeignAnswer(miss.name)
    if (found!.own) return { revision: found!.revision!, time: Date.parse(found!.updated_at) }
    return found!.foreign ? 'foreign' : 'absent'
  }

  /** What no row of the owner's means: the owner is gone. @throws ForeignAnswer when that is not so */
  async #gone (name: string): Promise<null> {
    const [answer] = await this.db.run(ownerKnown, { owner: this.owner })
    if (answer!.known) throw new ForeignAnswer(name)
    return null
  }

  async #page (kind: 'offset' | 'cursor', query: ListQuery, values: Values): Promise<Page | null> {
    const rows = await this.db.run(pageStatement(kind, query), { owner: this.owner, ...query, q: wordsOf(query.q), ...values })
    const [first] = rows
    if (!first) return await this.#gone('tasks.list')
    // A page without tasks is one row, of the list alone.
    return { tasks: first.id === null ? [] : rows.map((row) => taskOf(row as Task)), total: first.total, ...stateOf(first) }
  }

  async #one (statement: typeof find, values: Values): Promise<VersionedTask | null> {
    const [row] = await this.db.run(statement, { owner: this.owner, ...values })
    return versioned(row)
  }

  async #write (ways: Ways<Found>, values: Values, versions: Version[] | undefined): Promise<VersionedTask | null> {
    const [row] = await this.db.run(...this.#either(ways, values, versions))
    return versioned(row)
  }

  /** The statement for a known state, with its states, or the one for any. */
  #either<Row> ({ always, ifMatch }: Ways<Row>, values: Values, versions: Version[] | undefined): [Statement<Row>, Values] {
    if (!versions) return [always, { owner: this.owner, ...values }]
    // An array as PostgreSQL writes it; the drivers do not know the type.
    const states = `{${versions.map(({ revision, time }) => `${revision}-${time}`).join()}}`
    return [ifMatch, { owner: this.owner, ...values, versions: states }]
  }
}

type ListRow = NonNullable<typeof listState.row>

const stateOf = ({ user_id: owner, list_revision: revision, list_changed_at: at }: ListRow): ListState =>
  ({ owner, revision, time: Date.parse(at) })

interface Ways<Row> { always: Statement<Row>, ifMatch: Statement<Row> }
type Found = NonNullable<typeof find.row>

const withoutGaps = ({ title, description, dueDate = null }: Content) => ({ title, description, dueDate })

/**
 * The tasks of one owner, and the only way to any task: each statement has the owner in its WHERE, so that no
 * caller can forget it. (OWASP ASVS 5.0 §8.2.2)
 * @param db where they are
 * @param owner the id of their owner
 */
export const tasksOf = (db: Database, owner: string) => new OwnedTasks(db, owner)

export type { OwnedTasks }

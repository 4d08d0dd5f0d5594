import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { PING, isCurrent } from './current.js'
import { DATE, INT8, TIMESTAMPTZ, isoTime, type Database } from './database.js'
import { statementsOn } from './embedded-statements.js'
import { DatabaseDamaged, DatabaseUnavailable, ForeignAnswer, translated } from './errors.js'
import { lockFolder } from './lock.js'
import { migrateEmbedded } from './migrate.js'
import { checked } from './statement.js'

/** Reads every character. The plain decoder takes a U+FEFF at the beginning of a text for a byte order mark and drops it. */
class ExactTextDecoder extends TextDecoder {
  constructor (label?: string, options?: { fatal?: boolean, ignoreBOM?: boolean }) {
    super(label, { ignoreBOM: true, ...options })
  }
}

/** How an embedded database may begin. */
export interface EmbeddedOptions {
  /** The dump of another one, already migrated, instead of an empty database. */
  dump?: Blob | undefined
}

/**
 * PostgreSQL inside this process (PGlite): for trying out and for tests.
 * @param place a folder, created when missing, or `memory`
 */
export function connectEmbedded (place: string, { dump }: EmbeddedOptions = {}): Database & { client: () => PGlite } {
  const folder = place === 'memory' ? undefined : resolve(place)
  let client: PGlite | undefined
  let runOn: ReturnType<typeof statementsOn>
  let unlock = () => {}
  /** Statements that run or wait: it runs one at a time. */
  let pending = 0

  const opened = () => {
    if (!client) throw new DatabaseUnavailable('not started')
    return client
  }

  const open = async () => {
    const driver = await import('@electric-sql/pglite')
    // PGlite decodes each value with a decoder of its own making, now and later.
    globalThis.TextDecoder = ExactTextDecoder
    const opening = await driver.PGlite.create({
      ...(folder && { dataDir: folder }),
      ...(dump && { loadDataDir: dump }),
      parsers: { [TIMESTAMPTZ]: isoTime, [DATE]: String, [INT8]: Number }
    }).catch((error: unknown) => { throw new DatabaseDamaged(resolve(place), error) })
    await opening.exec("set time zone 'UTC'")
    await migrateEmbedded(opening)
    await isCurrent(async (statement) => (await opening.query(statement.text, statement.bind({}))).rows as never[])
    runOn = statementsOn(opening, driver)
    return opening
  }

  return {
    label: `embedded PostgreSQL (PGlite) in ${folder ?? 'memory'}`,
    isRemote: false,
    client: opened,

    async start () {
      if (client) return
      if (folder) {
        mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
        unlock = await lockFolder(folder)
      }
      try {
        client = await open()
      } catch (error) {
        unlock()
        unlock = () => {}
        throw error
      }
    },

    async run (statement, values = {}) {
      try {
        opened()
        const bound = statement.bind(values)
        pending++
        return checked(statement, values, await runOn(statement, bound).finally(() => { pending-- }) as never[])
      } catch (error) {
        throw error instanceof DatabaseUnavailable || error instanceof ForeignAnswer ? error : translated(error, statement.name)
      }
    },

    async ping () {
      await this.run(PING)
    },

    load () {
      const used = Math.min(pending, 1)
      return { max: 1, open: client?.ready ? 1 : 0, used, statements: pending, waiting: pending - used }
    },

    async close () {
      await client?.close()
      unlock()
    }
  }
}

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Where the migrated, empty database is kept during a test run. */
export const DUMP = fileURLToPath(new URL('../../.tap/migrated.tar', import.meta.url))

/** That database, to start another one from. */
export const migratedDump = async (): Promise<Blob> => new Blob([await readFile(DUMP)])

import { resolve } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { DatabaseDamaged } from './errors.js'
import { lockFolder } from './lock.js'

/**
 * Does something with an embedded database as it is, without bringing its tables up to date. Nobody else uses it meanwhile.
 * @param dump what the folder is made of, when it does not exist
 * @throws DatabaseLocked, DatabaseDamaged, and what `work` throws
 */
export async function withFolder<T> (folder: string, work: (client: PGlite) => Promise<T>, dump?: Blob): Promise<T> {
  const unlock = await lockFolder(resolve(folder))
  try {
    const { PGlite } = await import('@electric-sql/pglite')
    const client = await PGlite.create({ dataDir: resolve(folder), ...(dump && { loadDataDir: dump }) })
      .catch((error: unknown) => { throw new DatabaseDamaged(resolve(folder), error) })
    try {
      return await work(client)
    } finally {
      await client.close()
    }
  } finally {
    unlock()
  }
}

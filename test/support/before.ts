import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { connectEmbedded } from '../../src/db/embedded.js'
import { DUMP } from './dump.js'

// PGlite's first start and the migrations cost seconds; every test file loads their result instead.
const database = connectEmbedded('memory')
await database.start()
const dump = await database.client().dumpDataDir('none')
await mkdir(dirname(DUMP), { recursive: true })
await writeFile(DUMP, new Uint8Array(await dump.arrayBuffer()))
await database.close()

import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import type { Test } from 'tap'

/** Texts of a file of src/, and what stands in their place. */
export interface Change { file: string, texts: Array<[text: string, instead: string]> }

const root = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * Somebody who comes is told what there is after their place, and listens from what is the newest then: what is written between
 * the two, nobody tells them.
 */
export const subscribesAfterReading: Change = {
  file: 'src/sync/hub.ts',
  texts: [['      one.listeners.add(listener)\n', `
      one.listeners.add(listener)
      await one.look()
      one.listeners.delete(listener)
      listener.seen = await one.changes.newest() ?? seen
      one.listeners.add(listener)\n`]]
}

/** Numbers come from a sequence, a moment before the owner's list is locked: their order is not the order of the commits. */
export const numbersFromSequence: Change = {
  file: 'src/repositories/task-writes.ts',
  texts: [
    ['with locked as', "with taken as materialized (select nextval('public.numbers') as number, pg_sleep(random() * 0.05)), locked as"],
    // Source text, in which the braces stand as they are.
    // eslint-disable-next-line no-template-curly-in-string
    ['from ${taskLists} where owner_id = ${owner} for update)', 'from ${taskLists}, taken where owner_id = ${owner} for update of task_lists)'],
    ['list.revision + 1', '(select number from taken)']
  ]
}

/**
 * Builds a server that is changed, where it goes with the test.
 * @returns what `node` runs
 * @throws Error when a text is not there: then there is nothing to prove
 */
export async function buildBroken (t: Test, { file, texts }: Change): Promise<string[]> {
  const place = mkdtempSync(join(tmpdir(), 'faults-broken-'))
  t.teardown(() => { rmSync(place, { recursive: true }) })
  for (const name of ['node_modules', 'drizzle', 'package.json']) symlinkSync(join(root, name), join(place, name))
  const contents = texts.reduce((source, [text, instead]) => {
    if (!source.includes(text)) throw new Error(`not in ${file}: ${text}`)
    return source.replaceAll(text, instead)
  }, readFileSync(join(root, file), 'utf8'))
  const change: Plugin = {
    name: 'change',
    setup ({ onLoad }) {
      onLoad({ filter: new RegExp(`/${file}$`) }, () => ({ contents, loader: 'ts' }))
    }
  }
  const outdir = join(place, 'dist')
  await build({
    entryPoints: [join(root, 'src/bin/server.ts')], bundle: true, packages: 'external', platform: 'node', format: 'esm', outdir, plugins: [change]
  })
  return [join(outdir, 'server.js')]
}

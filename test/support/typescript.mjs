import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { Module, register } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

// Node's hooks that let the tests import TypeScript as it is; esbuild strips the types and keeps the place of each line.
if (isMainThread) {
  register(import.meta.url)
  // The test runner takes `.cjs` for an extension of its own, in which Node 22 and later find no names that a file re-exports.
  delete Module._extensions['.cjs']
}

/** What has been stripped, for the processes to come: a run has some thirty. */
const CACHE = fileURLToPath(new URL('../../.tap/typescript', import.meta.url))

/** Hundreds of small files as modules, which come one by one through these hooks; as CommonJS they do not. */
const LARGE = /^(@sinclair\/typebox|drizzle-orm|uuid)($|\/)/

const isOurs = (url) => url?.startsWith('file:') && !url.includes('/node_modules/')

/** An import names the file that the compiler would write: `./app.js` is app.ts here. */
export async function resolve (specifier, context, next) {
  if (LARGE.test(specifier)) return await next(specifier, { ...context, conditions: ['node', 'require'] })
  if (!/^(\.|file:).*\.js$/.test(specifier) || !isOurs(context.parentURL)) return await next(specifier, context)
  return await next(specifier.replace(/js$/, 'ts'), context).catch(async () => await next(specifier, context))
}

export async function load (url, context, next) {
  // What is installed is neither counted as covered nor mocked: the test runner's hooks need not read it, a second a process.
  if (url.includes('/node_modules/') && (context.format === 'module' || context.format === 'commonjs')) {
    return { format: context.format, source: context.format === 'module' ? await readFile(new URL(url)) : null, shortCircuit: true }
  }
  if (!isOurs(url) || !url.endsWith('.ts')) return await next(url, context)
  return { format: 'module', source: await stripped(fileURLToPath(url)), shortCircuit: true }
}

async function stripped (path) {
  const { mtimeMs } = await stat(path)
  const kept = join(CACHE, createHash('sha256').update(`${path} ${mtimeMs}`).digest('hex'))
  try {
    return await readFile(kept)
  } catch {
    const { transform } = await import('esbuild')
    const { code } = await transform(await readFile(path), { loader: 'ts', target: 'node20', sourcemap: 'inline', sourcefile: path })
    await mkdir(CACHE, { recursive: true })
    // Another process may want it meanwhile: it finds all of it or nothing.
    const mine = `${kept}.${process.pid}`
    await writeFile(mine, code)
    await rename(mine, kept)
    return code
  }
}

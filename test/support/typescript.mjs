import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { transform } from 'esbuild'

// Node's hooks that let the tests import TypeScript as it is; esbuild strips the types and keeps the place of each line.
if (isMainThread) register(import.meta.url)

const isOurs = (url) => url?.startsWith('file:') && !url.includes('/node_modules/')

/** An import names the file that the compiler would write: `./app.js` is app.ts here. */
export async function resolve (specifier, context, next) {
  if (!/^(\.|file:).*\.js$/.test(specifier) || !isOurs(context.parentURL)) return await next(specifier, context)
  return await next(specifier.replace(/js$/, 'ts'), context).catch(async () => await next(specifier, context))
}

export async function load (url, context, next) {
  if (!isOurs(url) || !url.endsWith('.ts')) return await next(url, context)
  const source = await readFile(new URL(url), 'utf8')
  const { code } = await transform(source, { loader: 'ts', target: 'node20', sourcemap: 'inline', sourcefile: fileURLToPath(url) })
  return { format: 'module', source: code, shortCircuit: true }
}

import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OpenAPI3 } from 'openapi-typescript'
import t from 'tap'
import { schemaModule } from '../../client/generator.js'
import { startApp } from '../helper.js'
import { run, tsc } from '../support/run.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const client = join(root, 'client')

/** src/schema.ts as the server's schemas want it now, whatever was made from openapi.json before. */
const { app } = await startApp(t)
const document = JSON.parse(JSON.stringify(app.swagger())) as OpenAPI3
const schema = await schemaModule(document)

/** The examples of the README, each as a module. */
const readme = await readFile(join(client, 'README.md'), 'utf8')
const snippets = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code], n) => [`readme-${n + 1}.ts`, `${code}export {}\n`] as const)

const errors = await compile(new Map([['src/schema.ts', schema], ...snippets]))
const errorsIn = (path: string) => errors.filter((error) => error.startsWith(path))

t.test('the client compiles with the schemas that the server has now', async (t) => {
  t.strictSame(errors.filter((error) => !/^(test|example)\/|^readme-/.test(error)), [])
})

t.test('what a front end relies on compiles, and what it must not do does not', async (t) => {
  t.strictSame(errorsIn('test/'), [])
})

t.test('the example compiles', async (t) => {
  t.strictSame(errorsIn('example/'), [])
})

t.test("the README's examples compile", async (t) => {
  t.equal(snippets.length, 7)
  t.strictSame(errorsIn('readme-'), [])
})

t.test('src/schema.ts and the version are what `npm run client` makes', async (t) => {
  t.equal(await readFile(join(client, 'src/schema.ts'), 'utf8'), schema)
  t.match(JSON.parse(await readFile(join(client, 'package.json'), 'utf8')), { version: document.info.version })
})

/**
 * Compiles a copy of client/, strictly.
 * @param replaced texts to use instead of its files, or beside them
 * @returns one line for each error: its place below client/, and what is wrong
 */
async function compile (replaced: Map<string, string>): Promise<string[]> {
  const folder = t.testdir()
  const copy = join(folder, 'client')
  await cp(client, copy, { recursive: true })
  for (const [name, text] of replaced) await writeFile(join(copy, name), text)
  for (const name of ['src', 'tsconfig.json']) await symlink(join(root, name), join(folder, name))
  // An example may declare what it does not use.
  return await run(process.execPath, [tsc, '-p', '.', '--pretty', 'false', '--noUnusedLocals', 'false'], copy)
    .then(() => [], ({ stdout }: { stdout: string }) => stdout.trim().split('\n'))
}

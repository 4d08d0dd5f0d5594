import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OpenAPI3 } from 'openapi-typescript'
import t from 'tap'
import ts from 'typescript'
import { schemaModule } from '../../client/generator.js'
import { startApp } from '../helper.js'

const client = fileURLToPath(new URL('../../client/', import.meta.url))

/** src/schema.ts as the server's schemas want it now, whatever was made from openapi.json before. */
const { app } = await startApp(t)
const document = JSON.parse(JSON.stringify((await app.documents()).swagger())) as OpenAPI3
const schema = await schemaModule(document)

/** The examples of the README, each as a module. */
const readme = await readFile(join(client, 'README.md'), 'utf8')
const snippets = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code], n) => [join(client, `readme-${n + 1}.ts`), `${code}export {}\n`] as const)

const errors = compile(new Map([[join(client, 'src/schema.ts'), schema], ...snippets]))
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
  t.equal(snippets.length, 4)
  t.strictSame(errorsIn('readme-'), [])
})

t.test('src/schema.ts and the version are what `npm run client` makes', async (t) => {
  t.equal(await readFile(join(client, 'src/schema.ts'), 'utf8'), schema)
  t.match(JSON.parse(await readFile(join(client, 'package.json'), 'utf8')), { version: document.info.version })
})

/**
 * Compiles everything in client/, strictly.
 * @param replaced texts to use instead of files, or beside them
 * @returns one line for each error: its place below client/, and what is wrong
 */
function compile (replaced: Map<string, string>): string[] {
  const config = ts.readConfigFile(join(client, 'tsconfig.json'), ts.sys.readFile) as { config: unknown }
  const { fileNames, options } = ts.parseJsonConfigFileContent(config.config, ts.sys, client)
  // An example may declare what it does not use.
  options.noUnusedLocals = false
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile } = host
  host.readFile = (path) => replaced.get(path) ?? readFile(path)
  host.fileExists = (path) => replaced.has(path) || fileExists(path)
  const program = ts.createProgram([...fileNames, ...replaced.keys()], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file ? ts.getLineAndCharacterOfPosition(file, start).line + 1 : 0
    return `${relative(client, file?.fileName ?? dirname(client))}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}

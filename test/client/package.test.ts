import { cp, mkdir, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startApp } from '../helper.js'
import { run, tsc } from '../support/run.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** A front end in TypeScript, as its author writes it. */
const program = `
import { createTodoClient, type User } from 'todo-backend-client'
const todo = createTodoClient({ baseUrl: process.argv[2] ?? '' })
const result = await todo.signUp({ email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada' })
if (result.ok) {
  const user: User = result.body
  console.log(user.name)
}
// @ts-expect-error the types are there: an account has no colour
if (result.ok) console.log(result.body.colour ?? '')
`

// A copy, so that what is packed is made now, and nothing of it stays in client/.
const folder = t.testdir({ consumer: { 'package.json': '{"type":"module"}', 'main.mts': program, node_modules: {} } })
const client = join(folder, 'client')

t.before(async () => {
  await mkdir(client)
  for (const name of ['package.json', 'README.md', 'LICENSE', 'src', 'tsconfig.build.json']) {
    await cp(join(root, 'client', name), join(client, name), { recursive: true })
  }
  await cp(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'))
})

t.test('the package that would be published works where it is installed, with its types', async (t) => {
  const consumer = join(folder, 'consumer')
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], client)
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string, files: Array<{ path: string }> }]
  const sources = (await readdir(join(root, 'client/src'))).map((name) => name.replace('.ts', '')).sort()
  const modules = sources.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`])
  t.strictSame(files.map(({ path }) => path).sort(), ['LICENSE', 'README.md', ...modules, 'package.json'])

  const installed = join(consumer, 'node_modules/todo-backend-client')
  await mkdir(installed, { recursive: true })
  await run('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components=1'], consumer)
  const { app } = await startApp(t)
  const baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
  const options = ['--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
  await run(process.execPath, [tsc, ...options, 'main.mts'], consumer)
    .catch(({ stdout }: { stdout: string }) => { throw new Error(stdout) })
  t.equal((await run(process.execPath, ['main.mjs', baseUrl], consumer)).stdout, 'Ada\n\n')
})

t.test('what the client needs is what it is tested with, and it has the licence of the API', async (t) => {
  const json = async (path: string) => JSON.parse(await readFile(join(root, path), 'utf8')) as Record<string, Record<string, string>>
  const [own, mine] = [await json('client/package.json'), await json('package.json')]
  const needed = ['eventsource-parser', 'openapi-fetch']
  t.strictSame(own.dependencies, Object.fromEntries(needed.map((name) => [name, mine.devDependencies![name]])))
  t.strictSame([own.name, own.license, own.version], ['todo-backend-client', mine.license, mine.version])
  t.equal(await readFile(join(root, 'client/LICENSE'), 'utf8'), await readFile(join(root, 'LICENSE'), 'utf8'))
})

import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.js'
import { end, cache, has, launch, root, run, sleep } from './shell.js'
import { cpuSeconds, rss } from './proc.js'

/** What every contender is given; and a token that it has to accept. */
export interface Setting { databaseUrl: string, secret: string, poolSize: number, token: string }

type Command = [file: string, ...args: string[]]

interface Recipe {
  name: string
  /** Makes what is missing. @returns how it is started, or null when it cannot be had on this machine */
  build: () => Promise<Command | null>
}

const peer = (...path: string[]) => join(root, 'load/peers', ...path)

/** The options of Node.js that `npm start` gives the server of a folder. */
function nodeOptionsIn (folder: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { scripts: { start: string } }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}

/** The floor has all tricks of the server. */
const nodeOptions = nodeOptionsIn(root)

const recipes: Recipe[] = [
  { name: 'server', build: async () => [process.execPath, ...nodeOptions, join(root, 'dist/server.js')] },
  { name: 'floor', build: async () => [process.execPath, ...nodeOptions, peer('floor/server.js')] },
  {
    name: 'express',
    async build () {
      if (!existsSync(peer('express/node_modules'))) await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: peer('express') })
      return [process.execPath, peer('express/server.js')]
    }
  },
  { name: 'drizzle-plain', build: async () => [process.execPath, peer('drizzle-plain/server.js')] },
  {
    name: 'go',
    async build () {
      if (!await has('go', 'version')) return null
      const binary = join(cache, `go-${hashOf(peer('go/main.go'), peer('go/go.sum'))}`)
      if (!existsSync(binary)) await run('go', ['build', '-o', binary, '.'], { cwd: peer('go') })
      return [binary]
    }
  },
  {
    name: 'fastapi',
    async build () {
      const requirements = peer('fastapi/requirements.txt')
      const venv = join(cache, `python-${hashOf(requirements)}`)
      if (!existsSync(venv)) {
        if (!await has('python3', '-m', 'venv', '--help')) return null
        await run('python3', ['-m', 'venv', `${venv}.new`])
        await run(join(`${venv}.new`, 'bin/python'), ['-m', 'pip', 'install', '-q', '-r', requirements])
        renameSync(`${venv}.new`, venv)
      }
      const options = ['--app-dir', peer('fastapi'), '--loop', 'uvloop', '--http', 'httptools', '--no-access-log', '--log-level', 'warning']
      return [join(venv, 'bin/python'), '-m', 'uvicorn', 'server:app', ...options]
    }
  }
]

export const contenderNames = recipes.map(({ name }) => name)

/** The server of an earlier revision, beside the present one on the same tables. @param revision as Git takes it */
export const serverBefore = (revision: string): Recipe => ({
  name: 'before',
  async build () {
    const folder = join(cache, `before-${(await run('git', ['rev-parse', `${revision}^{commit}`], { cwd: root })).slice(0, 12)}`)
    if (!existsSync(folder)) {
      const draft = `${folder}.${process.pid}`
      mkdirSync(draft)
      await run('git', ['archive', '--output', join(draft, 'revision.tar'), revision], { cwd: root })
      await run('tar', ['-xf', 'revision.tar'], { cwd: draft })
      await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: draft })
      await run('npm', ['run', '-s', 'build'], { cwd: draft })
      renameSync(draft, folder)
    }
    return [process.execPath, ...nodeOptionsIn(folder), join(folder, 'dist/server.js')]
  }
})

const hashOf = (...files: string[]) =>
  files.reduce((hash, file) => hash.update(readFileSync(file)), createHash('sha256')).digest('hex').slice(0, 12)

/** Something that listens. */
export interface Contender {
  name: string
  base: string
  pid: number
  log: string
  /** CPU seconds from the start of the process to its first answer; and megabytes of memory then. */
  start: { cpu: number, rss: number }
  stop: () => Promise<void>
}

/**
 * Builds what is missing, all at the same time.
 * @param more contenders that have no name among the others
 * @returns how each is started; who cannot be built is left out, with a line
 */
export async function buildAll (names: string[], ...more: Recipe[]): Promise<Array<{ name: string, command: Command }>> {
  mkdirSync(cache, { recursive: true })
  const chosen = [...recipes.filter(({ name }) => names.includes(name)), ...more]
  const built = await Promise.all(chosen.map(async ({ name, build }) => {
    const command = await build().catch((error: unknown) => {
      console.log(`${name} cannot be built: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}`)
      return null
    })
    return { name, command }
  }))
  return built.filter((one): one is { name: string, command: Command } => one.command !== null)
}

/** Starts one, as in production, and waits for its first answer. */
export async function startContender (name: string, [file, ...args]: Command, setting: Setting): Promise<Contender> {
  const port = await freePort()
  const log = join(cache, `${name}.log`)
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: setting.databaseUrl,
    DATABASE_POOL_SIZE: String(setting.poolSize),
    POOL_SIZE: String(setting.poolSize),
    SECRET_KEY: setting.secret,
    RATE_LIMIT: 'off',
    LOG_LEVEL: 'info'
  }
  const portArgs = name === 'fastapi' ? ['--port', String(port)] : []
  const child = launch(file, [...args, ...portArgs], log, env, cache)
  const base = `http://127.0.0.1:${port}`
  try {
    await firstAnswer(child, `${base}/api/tasks?limit=1`, setting.token, log)
  } catch (error) {
    await end(child)
    throw error
  }
  const pid = child.pid!
  return { name, base, pid, log, start: { cpu: cpuSeconds(pid), rss: rss(pid) }, stop: async () => end(child) }
}

async function firstAnswer (child: ChildProcess, url: string, token: string, log: string): Promise<void> {
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } }).catch(() => null)
    await answer?.arrayBuffer()
    if (answer?.ok) return
    await sleep(10)
  }
  throw new Error(`It does not start; see ${log}`)
}

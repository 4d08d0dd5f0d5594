import { execFile, spawn, type ChildProcess, type ExecFileOptions } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a run may leave behind for the next one: built peers, the loaded database. */
export const cache = join(tmpdir(), 'todo-backend-bench')

const execute = promisify(execFile)

/** Runs a program to its end. @returns its standard output @throws with what it wrote, when it fails */
export async function run (file: string, args: string[], options: ExecFileOptions = {}): Promise<string> {
  return (await execute(file, args, { maxBuffer: 2 ** 26, ...options, encoding: 'utf8' })).stdout
}

/** @returns whether a program is there */
export const has = async (file: string, ...args: string[]): Promise<boolean> => run(file, args).then(() => true, () => false)

/** Starts a program that goes on; what it writes goes to a file. */
export function launch (file: string, args: string[], log: string, env: NodeJS.ProcessEnv, cwd: string): ChildProcess {
  const output = openSync(log, 'a')
  return spawn(file, args, { cwd, env, stdio: ['ignore', output, output] })
}

/** Ends a program and waits for it; after a while without asking. */
export async function end (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  const impatience = setTimeout(() => { child.kill('SIGKILL') }, 12_000)
  child.kill('SIGTERM')
  await ended
  clearTimeout(impatience)
}

export const sleep = promisify(setTimeout)

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The compiler's command. */
export const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

/**
 * Runs a command without the test runner's own options: a compiler whose coverage is counted takes three times as long.
 * @throws what it wrote, as `stdout` and `stderr` of an error, when it fails
 */
export const run = async (command: string, args: string[], cwd: string) =>
  await promisify(execFile)(command, args, { cwd, env: { ...process.env, NODE_OPTIONS: '' } })

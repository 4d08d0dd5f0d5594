import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { Settings } from '../../src/config/settings.js'
import { teardown } from './teardown.js'

/** What the test runner gives its own processes; it costs a program a second of CPU. */
const ONLY_TESTS = /@tapjs\/mock|^--enable-source-maps$/

/** A program of src/bin/ that runs in a process of its own. */
export interface Program {
  child: ChildProcess
  /** What it has written so far. */
  output: { out: string, err: string }
  /** Waits until it has written to its standard output what fits. Fails when it ends before. */
  says: (what: RegExp) => Promise<RegExpExecArray>
  /** How it ended, and what it wrote. */
  ended: Promise<{ status: number | null, signal: NodeJS.Signals | null, out: string, err: string }>
}

/**
 * Starts a program as `node` would, with the test runner's own loader, so that its lines count as covered.
 * @param program its file in src/bin/, or any other as code
 * @param settings its settings; none comes from the environment of the tests
 * @param stdout an open file for its standard output, or a terminal, instead of a pipe to this process
 * @param args what it is told
 */
export function start (
  t: Test, program: string, cwd: string, settings: NodeJS.ProcessEnv = {}, stdout?: number | 'terminal', args: string[] = []
): Program {
  const what = program.includes('\n')
    ? ['--input-type=module', '--eval', program]
    : [fileURLToPath(new URL(`../../src/bin/${program}`, import.meta.url))]
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !(name in Settings.properties)))
  const flags = process.execArgv.filter((flag) => !ONLY_TESTS.test(flag))
    .map((flag) => flag.replace(/^(--import=)(?=\.)/, `$1${process.cwd()}/`))
  const command = [process.execPath, ...flags, ...what, ...args]
  const [name, ...words] = stdout === 'terminal' ? inTerminal(command) : command
  const child: ChildProcess = spawn(name!, words, {
    cwd, env: { ...env, ...settings }, stdio: ['ignore', typeof stdout === 'number' ? stdout : 'pipe', 'pipe']
  })
  const output = { out: '', err: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => { output.out += text })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { output.err += text })
  const ended = once(child, 'close').then(([status, signal]) =>
    ({ status: status as number | null, signal: signal as NodeJS.Signals | null, ...output }))
  teardown(t, () => { child.kill('SIGKILL') })

  return {
    child,
    output,
    ended,
    async says (what) {
      for (;;) {
        const found = what.exec(output.out)
        if (found) return found
        const end = await Promise.race([once(child.stdout!, 'data'), ended])
        if (!Array.isArray(end)) throw new Error(`ended without saying ${what}: ${JSON.stringify(end)}`)
      }
    }
  }
}

/** A command that runs in a terminal of its own, and ends with it; what it writes there comes out at a pipe. */
const inTerminal = (command: string[]): string[] => process.platform === 'darwin'
  ? ['script', '-q', '/dev/null', ...command]
  : ['script', '-qec', `exec ${command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}`, '/dev/null']

import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'

/** A process of the test's own. */
export interface Child {
  pid: number
  send: (signal: NodeJS.Signals) => void
  hasEnded: () => boolean
  /** @returns its status, or the signal that ended it */
  ended: () => Promise<number | string>
}

/** Starts a process that does not outlive this one, however this one ends, and does not keep it alive either. */
export function startChild (command: string, args: string[], options: SpawnOptions): Child {
  const child: ChildProcess = spawn(command, args, options)
  const end = once(child, 'exit') as Promise<[status: number | null, signal: string | null]>
  const kill = () => { child.kill('SIGKILL') }
  process.on('exit', kill)
  child.unref()
  child.on('exit', () => { process.off('exit', kill) })
  return {
    pid: child.pid!,
    send: (signal) => { child.kill(signal) },
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async ended () {
      child.ref()
      const [status, signal] = await end
      return status ?? signal!
    }
  }
}

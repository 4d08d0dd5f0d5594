import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Account, Seen } from './keeper.js'

/** A process of clients that follow. */
export interface Followers {
  /** What each has seen so far. */
  seen: () => Promise<Seen[]>
  /** Whether they sleep now and then, each for itself. */
  makeRestless: (areRestless: boolean) => void
  /** Everybody falls asleep, as in a laptop that is closed, and wakes up. */
  sleep: () => void
  wake: () => void
}

const program = fileURLToPath(new URL('follower-process.ts', import.meta.url))

/** Starts a process in which somebody follows each of some accounts, until the test ends. */
export function startFollowers (t: Test, base: string, accounts: Account[]): Followers {
  const child = fork(program, { execArgv: ['--import', 'tsx'], env: { PATH: process.env.PATH } })
  t.teardown(() => { child.kill('SIGKILL') })
  child.send({ base, accounts })
  return {
    async seen () {
      if (child.exitCode !== null) throw new Error(`a process of clients has ended with ${child.exitCode}`)
      child.send('seen')
      const [seen] = await once(child, 'message')
      return seen as Seen[]
    },
    makeRestless: (areRestless) => { child.send({ areRestless }) },
    sleep: () => { child.kill('SIGSTOP') },
    wake: () => { child.kill('SIGCONT') }
  }
}

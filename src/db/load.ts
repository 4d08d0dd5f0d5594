import type { Duplex } from 'node:stream'

/** How busy the connections of a database are. */
export interface Load {
  /** Connections at most. */
  max: number
  /** Those that are open. */
  open: number
  /** Those on which a statement is. */
  used: number
  /** Statements on their way, and those of them for which there is no connection yet. */
  statements: number
  waiting: number
}

/** What opens connections, and how many of them are open. */
export function counted (connect: () => Promise<Duplex>): { connect: () => Promise<Duplex>, open: () => number } {
  let open = 0
  return {
    async connect () {
      const socket = await connect()
      open++
      return socket.once('close', () => { open-- })
    },
    open: () => open
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { createTodoClient } from '../../../client/src/index.js'
import { Keeper, asleep, type Account } from './keeper.js'

/** The same by the client that front ends use, `tasks.sync`: it comes again by itself; now and then it is ended, and sleeps. */
export function followTyped (baseUrl: string, { id: owner, token }: Account): Keeper {
  const keeper = new Keeper(owner)
  const { tasks } = createTodoClient({ baseUrl, token })
  let isLive = false

  async function live (): Promise<never> {
    for (;;) {
      await tasks.sync({
        since: keeper.position,
        signal: keeper.awake(),
        onState (state) {
          isLive = state === 'live'
          if (isLive) keeper.come()
        },
        apply (changes, { position, reset }) {
          if (reset && keeper.position !== undefined) keeper.forget()
          for (const change of changes) keeper.apply(change)
          keeper.advance(position, isLive)
        }
      })
      await sleep(asleep())
    }
  }

  void live()
  return keeper
}

import { follow } from './follower.js'
import type { Account, Keeper } from './keeper.js'
import { followTyped } from './typed-follower.js'

/*
 * A process of clients that follow, one for each account; every other one by the client of front ends. It is told whom to
 * follow, and whether they are to sleep now and then, and says what they have seen whenever it is asked. It ends with whoever has
 * started it.
 */

/** How likely it is that somebody restless falls asleep in a second. */
const SLEEPY = 0.1

let all: Keeper[] = []
let areRestless = false

setInterval(() => {
  if (areRestless) for (const one of all) if (Math.random() < SLEEPY) one.fallAsleep()
}, 1000)

process.on('message', (message: { base: string, accounts: Account[] } | { areRestless: boolean } | 'seen') => {
  if (message === 'seen') process.send!(all.map((one) => one.seen()))
  else if ('areRestless' in message) areRestless = message.areRestless
  else all = message.accounts.map((account, n) => (n % 2 === 0 ? follow : followTyped)(message.base, account))
}).on('disconnect', () => { process.exit() })

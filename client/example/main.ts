import type { LoggedOutReason, User } from 'todo-backend-client'
import { clearAccount, showUser } from './account.js'
import { focusEntrance, onLogIn } from './entrance.js'
import { hasTyped } from './forms.js'
import { onDeleted } from './leaving.js'
import { mayLose } from './losing.js'
import { onMailLink } from './mail-links.js'
import { hasWaiting } from './online.js'
import { byId, complain, onAction, once, say, show, within } from './page.js'
import { askAgain, forget, isBusy, onLoggedOut, remember, todo, whoIsIn } from './session.js'
import { clearSessions, listSessions } from './sessions.js'
import { clear, start, unsent } from './tasks.js'
import { textOfError } from './texts.js'

/** The page of somebody who is logged in. */
async function enter (user: User): Promise<void> {
  remember(user)
  showUser(user)
  show('desk')
  await start(user)
  within(byId('new', HTMLFormElement), 'input', HTMLInputElement).focus()
}

/**
 * The page of nobody yet. It has nothing of whoever was there before.
 * @param isRemoved whether nothing stays in the browser either
 */
function leave (isRemoved: boolean): void {
  forget()
  clear(isRemoved)
  clearAccount()
  clearSessions()
  show('entrance')
  focusEntrance()
}

/** A reload finds its way back with what is in the browser, also when the server cannot be reached. */
async function open (): Promise<void> {
  const user = await whoIsIn()
  if (!user) return leave(false)
  await enter(user)
  const me = await todo.me().catch(() => undefined)
  if (me?.ok) showUser(me.body)
}

const REASONS: Record<LoggedOutReason, string> = {
  ended: 'Your session has ended: you were away for long, or it was ended from elsewhere. Log in again.',
  elsewhere: 'You have logged out in another tab.',
  replaced: 'Somebody else has logged in, in another tab.'
}

// Whoever is just doing something, or has something to lose, is asked to log in again.
onLoggedOut((reason) => {
  if (reason === 'ended' && isBusy()) return
  const typed = hasTyped(byId('desk', HTMLElement), byId('settings', HTMLElement))
  if (reason === 'ended' && (typed || hasWaiting())) return void askAgain()
  // The tab that logs out removes what is kept. What waits is kept for whoever logs in with the same account.
  leave(reason !== 'elsewhere' && !hasWaiting())
  complain(REASONS[reason])
})

onLogIn(enter)

onDeleted(() => {
  leave(true)
  say('Your account and its tasks are deleted')
})

onAction(byId('log-out', HTMLButtonElement), async () => {
  if (!await mayLose(await unsent())) return
  const isTold = todo.logOut().then(({ ok }) => ok, () => false)
  leave(true)
  say('Logged out')
  if (!await isTold) complain('Logged out here, but the server could not be told: end this session on another device.')
})

byId('to-account', HTMLButtonElement).addEventListener('click', once(async () => {
  show('settings')
  byId('settings-title', HTMLElement).focus()
  await listSessions()
}))

byId('to-tasks', HTMLButtonElement).addEventListener('click', () => {
  show('desk')
  byId('tasks-title', HTMLElement).focus()
})

if (!onMailLink(open)) {
  open().catch((error: unknown) => {
    show('entrance')
    complain(textOfError(error))
  })
}

import type { LoggedOutReason, User } from 'todo-backend-client'
import { clearAccount, showUser } from './account.js'
import { focusEntrance, onLogIn } from './entrance.js'
import { hasTyped } from './forms.js'
import { onDeleted } from './leaving.js'
import { onMailLink } from './mail-links.js'
import { byId, complain, once, say, show, within } from './page.js'
import { askAgain, forget, isBusy, onLoggedOut, remember, todo, whoIsIn } from './session.js'
import { clearSessions, listSessions } from './sessions.js'
import { clear, start } from './tasks.js'
import { textOf, textOfError } from './texts.js'

/** The page of somebody who is logged in. */
async function enter (user: User): Promise<void> {
  remember(user)
  showUser(user)
  show('desk')
  await start()
  within(byId('new', HTMLFormElement), 'input', HTMLInputElement).focus()
}

/** The page of nobody yet. It has nothing of whoever was there before. */
function leave (): void {
  forget()
  clear()
  clearAccount()
  clearSessions()
  show('entrance')
  focusEntrance()
}

/** A reload finds its way back with the session that is still there. The client renews an access token that has expired. */
async function open (): Promise<void> {
  if (!await whoIsIn()) return leave()
  const me = await todo.me()
  if (me.ok) return enter(me.body)
  if (me.status === 401) return leaveBecause('ended')
  show('entrance')
  complain(textOf(me))
}

const REASONS: Record<LoggedOutReason, string> = {
  ended: 'Your session has ended: you were away for long, or it was ended from elsewhere. Log in again.',
  elsewhere: 'You have logged out in another tab.',
  replaced: 'Somebody else has logged in, in another tab.'
}

function leaveBecause (reason: LoggedOutReason): void {
  leave()
  complain(REASONS[reason])
}

onLoggedOut((reason) => {
  // Whoever is just doing something, or has typed something, is asked to log in again and loses nothing.
  if (reason === 'ended' && isBusy()) return
  if (reason === 'ended' && hasTyped(byId('desk', HTMLElement), byId('settings', HTMLElement))) void askAgain()
  else leaveBecause(reason)
})

onLogIn(enter)

onDeleted(() => {
  leave()
  say('Your account and its tasks are deleted')
})

byId('log-out', HTMLButtonElement).addEventListener('click', once(async () => {
  const isTold = todo.logOut().then(({ ok }) => ok, () => false)
  leave()
  say('Logged out')
  if (!await isTold) complain('Logged out here, but the server could not be told: end this session on another device.')
}))

byId('to-account', HTMLButtonElement).addEventListener('click', once(async () => {
  show('settings')
  byId('settings-title', HTMLElement).focus()
  await listSessions()
}))

byId('to-tasks', HTMLButtonElement).addEventListener('click', () => {
  show('desk')
  byId('tasks-title', HTMLElement).focus()
})

function begin (): void {
  open().catch((error: unknown) => {
    show('entrance')
    complain(textOfError(error))
  })
}

if (!onMailLink(open)) begin()

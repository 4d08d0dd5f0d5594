import type { User } from 'todo-backend-client'
import { onSubmit, reset, typed } from './forms.js'
import { byId, complain, onAction, say, within } from './page.js'
import { loggedIn, todo } from './session.js'
import { textOf } from './texts.js'

const renameForm = byId('rename', HTMLFormElement)
const emailForm = byId('change-email', HTMLFormElement)
const passwordForm = byId('change-password', HTMLFormElement)
const deleteForm = byId('delete-account', HTMLFormElement)

/** Shows whose account it is. */
export function showUser ({ name, email, email_verified: isVerified }: User): void {
  byId('who', HTMLElement).textContent = name
  byId('email', HTMLElement).textContent = email
  byId('unverified', HTMLElement).hidden = isVerified
  // What was not typed does not count as typed.
  within(renameForm, 'input', HTMLInputElement).defaultValue = name
}

/** Leaves nothing of an account on the page. */
export function clearAccount (): void {
  showUser({ id: '', created_at: '', name: '', email: '', email_verified: true })
  for (const form of [renameForm, emailForm, passwordForm, deleteForm]) reset(form)
}

onSubmit(renameForm, async () => {
  const result = await loggedIn(async () => todo.account.rename(typed(renameForm, 'name')))
  if (!result.ok) return result
  showUser(result.body)
  reset(renameForm)
  say(`Your name is ${result.body.name}`)
})

onSubmit(emailForm, async () => {
  const email = typed(emailForm, 'email')
  const result = await loggedIn(async () => todo.account.changeEmail({ email, password: typed(emailForm, 'password') }))
  if (!result.ok) return result
  reset(emailForm)
  say(`Open the link in the mail to ${email}`)
})

onSubmit(passwordForm, async () => {
  const [now, next] = [typed(passwordForm, 'current_password'), typed(passwordForm, 'new_password')]
  const result = await loggedIn(async () => todo.account.changePassword({ current_password: now, new_password: next }))
  if (!result.ok) return result
  reset(passwordForm)
  say('Your password is changed, and everybody else is logged out')
})

onAction(byId('verify', HTMLButtonElement), async () => {
  const result = await loggedIn(async () => todo.account.requestVerification())
  if (!result.ok) return complain(textOf(result))
  say('The mail is on its way')
})

/** Whoever has opened the link elsewhere sees it here. */
document.addEventListener('visibilitychange', () => {
  if (document.hidden || byId('unverified', HTMLElement).hidden) return
  todo.me().then((me) => {
    if (me.ok) showUser(me.body)
  }, () => { /* The next time, then. */ })
})

import type { User } from 'todo-backend-client'
import { fill, onSubmit, reset, textOf, textOfError, typed } from './forms.js'
import { byId, complain, say, within } from './page.js'
import { forgetToken, hasToken, logIn, remember, todo } from './session.js'
import { clear, start } from './tasks.js'

const logInForm = byId('log-in', HTMLFormElement)
const signUpForm = byId('sign-up', HTMLFormElement)

/** The page of somebody who is logged in. */
async function enter (user: User): Promise<void> {
  remember(user)
  reset(signUpForm)
  byId('who', HTMLElement).textContent = user.name
  show('desk')
  await start()
  within(byId('new', HTMLFormElement), 'input', HTMLInputElement).focus()
}

/** The page of nobody yet. */
function leave (): void {
  forgetToken()
  clear()
  show('entrance')
  within(logInForm, 'input', HTMLInputElement).focus()
}

function show (part: 'entrance' | 'desk'): void {
  byId('entrance', HTMLElement).hidden = part !== 'entrance'
  byId('desk', HTMLElement).hidden = part !== 'desk'
  byId('account', HTMLElement).hidden = part !== 'desk'
}

onSubmit(logInForm, async () => {
  const result = await logIn(logInForm)
  if (!result.ok) return result
  await enter(result.body.user)
  say(`Logged in as ${result.body.user.name}`)
})

onSubmit(signUpForm, async () => {
  const [email, password, name] = [typed(signUpForm, 'email'), typed(signUpForm, 'password'), typed(signUpForm, 'name')]
  const signedUp = await todo.signUp({ email, password, name })
  if (!signedUp.ok) return signedUp
  fill(logInForm, 'email', email)
  fill(logInForm, 'password', password)
  const loggedIn = await logIn(logInForm)
  if (!loggedIn.ok) return loggedIn
  await enter(loggedIn.body.user)
  say(`Welcome, ${name}`)
})

byId('log-out', HTMLButtonElement).addEventListener('click', () => {
  leave()
  say('Logged out')
})

/** A reload finds its way back with the token that is still there. */
async function open (): Promise<void> {
  if (!hasToken()) return leave()
  const me = await todo.me()
  if (me.ok) return enter(me.body)
  if (me.status === 401) leave()
  else show('entrance')
  complain(me.status === 401 ? 'Your session has ended. Log in again.' : textOf(me))
}

open().catch((error: unknown) => {
  show('entrance')
  complain(textOfError(error))
})

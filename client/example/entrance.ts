import type { User } from 'todo-backend-client'
import { fill, onSubmit, reset, typed } from './forms.js'
import { byId, say, within } from './page.js'
import { logIn, todo } from './session.js'

const logInForm = byId('log-in', HTMLFormElement)
const signUpForm = byId('sign-up', HTMLFormElement)
const forgotForm = byId('forgot', HTMLFormElement)

/** Puts the focus where somebody begins. */
export const focusEntrance = () => { within(logInForm, 'input', HTMLInputElement).focus() }

/** Calls a function for whoever has logged in, or signed up. */
export function onLogIn (enter: (user: User) => Promise<void>): void {
  onSubmit(logInForm, async () => {
    const result = await logIn(logInForm)
    if (!result.ok) return result
    reset(signUpForm)
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
    reset(signUpForm)
    await enter(loggedIn.body.user)
    say(`Welcome, ${name}`)
  })
}

onSubmit(forgotForm, async () => {
  const result = await todo.account.requestPasswordReset(typed(forgotForm, 'email'))
  if (!result.ok) return result
  reset(forgotForm)
  // Whether there is one, nobody learns here.
  say('If there is an account with this address, a mail with a link is on its way')
})

import { createTodoClient, localStorageStore, type LoggedOutReason, type Result, type User } from 'todo-backend-client'
import { fill, onSubmit, reset, typed } from './forms.js'
import { network, watchedFetch } from './online.js'
import { byId, within } from './page.js'

/**
 * Where the tokens are: for all tabs, over reloads. A script of somebody else could read them there, as it could use them in
 * memory; the Content-Security-Policy of the page lets none run.
 */
const tokens = localStorageStore()

/** What is done when the session is over without "Log out". */
let loggedOut = (_reason: LoggedOutReason): void => {}
export const onLoggedOut = (act: typeof loggedOut) => { loggedOut = act }

/** The API, which the page names. The client renews the tokens by itself. */
export const todo = createTodoClient({
  baseUrl: within(document, 'meta[name=api]', HTMLMetaElement).content,
  store: tokens,
  fetch: watchedFetch,
  onLoggedOut: (reason) => { loggedOut(reason) }
})

/** @returns who is logged in in this browser, whether the server can be reached or not */
export const whoIsIn = async (): Promise<User | undefined> => (await tokens.get())?.user

/** Logs in with what was typed. @returns the API's result */
export async function logIn (form: HTMLFormElement): Promise<Result<'logIn'>> {
  const result = await todo.logIn({ email: typed(form, 'email'), password: typed(form, 'password') })
  if (result.ok) reset(form)
  return result
}

const dialog = byId('again', HTMLDialogElement)
const form = within(dialog, 'form', HTMLFormElement)

/** Whose page it is. Whoever logs in again is this user. */
let email: string | undefined
export const remember = (user: User) => { email = user.email }

/** It is nobody's page. */
export function forget (): void {
  email = undefined
  dialog.close()
}

/** How many things a person has begun that are not finished. */
let busy = 0
export const isBusy = () => busy > 0

/** Does something for which somebody waits. */
export async function whileBusy<T> (act: () => Promise<T>): Promise<T> {
  busy++
  return act().finally(() => { busy-- })
}

/**
 * Sends a request. When the session has ended it asks to log in again, over a page that stays as it is, and sends the request
 * once more.
 * @returns the API's result; 401 when the person did not want to
 */
export const loggedIn = async <R extends { status: number }>(request: () => Promise<R>): Promise<R> => whileBusy(async () => {
  const result = await request()
  return result.status === 401 && await askAgain() ? await request() : result
})

/** The open question, which two requests may share. */
let asking: Promise<boolean> | undefined

/** @returns whether the person has logged in again */
export async function askAgain (): Promise<boolean> {
  if (email === undefined) return false
  const known = email
  asking ??= new Promise<boolean>((resolve) => {
    reset(form)
    fill(form, 'email', known)
    dialog.returnValue = ''
    dialog.addEventListener('close', () => { resolve(dialog.returnValue === 'again') }, { once: true })
    // Keeps the keyboard inside, closes on Escape, and gives the focus back to where it was.
    dialog.showModal()
  }).finally(() => { asking = undefined })
  return asking
}

byId('not-now', HTMLButtonElement).addEventListener('click', () => { dialog.close() })

onSubmit(form, async () => {
  const result = await logIn(form)
  if (!result.ok) return result
  dialog.close('again')
  // What has stopped for want of a session goes on.
  network.dispatchEvent(new Event('back'))
})

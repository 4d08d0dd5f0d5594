import { createTodoClient, type OperationId, type Result, type User } from 'todo-backend-client'
import { fill, onSubmit, reset, typed } from './forms.js'
import { byId, within } from './page.js'

/**
 * Where the token is: a reload keeps it, the end of the tab ends it, and no other tab has it. A script of somebody else could
 * read it there, as it could use it in memory; the Content-Security-Policy of the page lets none run.
 */
const TOKEN = 'token'

/** The API, which the page names. */
export const todo = createTodoClient({
  baseUrl: within(document, 'meta[name=api]', HTMLMetaElement).content,
  token: () => sessionStorage.getItem(TOKEN)
})

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null
export const forgetToken = () => { sessionStorage.removeItem(TOKEN) }

/** Logs in with what was typed. @returns the API's result; of a 200 the token is kept */
export async function logIn (form: HTMLFormElement): Promise<Result<'logIn'>> {
  const result = await todo.logIn({ email: typed(form, 'email'), password: typed(form, 'password') })
  if (result.ok) {
    sessionStorage.setItem(TOKEN, result.body.access_token)
    reset(form)
  }
  return result
}

const dialog = byId('again', HTMLDialogElement)
const form = within(dialog, 'form', HTMLFormElement)
let email = ''

/** Whoever logs in again is this user. */
export function remember (user: User): void {
  email = user.email
}

/**
 * Sends a request. When the token has expired it asks to log in again, over a page that stays as it is, and sends the request
 * once more.
 * @returns the API's result; 401 when the person did not want to
 */
export async function loggedIn<R extends Result<OperationId>> (request: () => Promise<R>): Promise<R> {
  const result = await request()
  return result.status === 401 && await askAgain() ? request() : result
}

/** The open question, which two requests may share. */
let asking: Promise<boolean> | undefined

async function askAgain (): Promise<boolean> {
  asking ??= new Promise<boolean>((resolve) => {
    reset(form)
    fill(form, 'email', email)
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
})

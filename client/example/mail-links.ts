import type { Failure } from 'todo-backend-client'
import { onSubmit, reset, typed } from './forms.js'
import { byId, say, show, within } from './page.js'
import { todo } from './session.js'

type Kind = 'reset_password' | 'verify_email'

/** A token that the server does not take, or not any more. */
const STALE = 'This link is not good any more. Ask for a new one.'

const sections = { reset_password: byId('reset', HTMLElement), verify_email: byId('confirm', HTMLElement) }
const resetForm = within(sections.reset_password, 'form', HTMLFormElement)
const confirmForm = within(sections.verify_email, 'form', HTMLFormElement)

let token = ''

/**
 * Serves the links that the API sends by mail: `APP_URL#reset_password=TOKEN` and `APP_URL#verify_email=TOKEN`.
 * @param back is called when the person is through
 * @returns whether the page was opened by one
 */
export function onMailLink (back: () => Promise<void>): boolean {
  const leave = async (text: string) => {
    token = ''
    reset(resetForm)
    await back()
    say(text)
    return undefined
  }

  onSubmit(resetForm, async () => {
    const result = await todo.account.resetPassword({ token, new_password: typed(resetForm, 'new_password') })
    if (result.ok) return leave('Your password is changed. Log in with the new one.')
    return isStale(result) ? STALE : result
  })

  // A program that looks through mails opens links, and may run scripts too: only a person confirms.
  onSubmit(confirmForm, async () => {
    const result = await todo.account.confirmEmail(token)
    if (result.ok) return leave('Your email address is confirmed')
    return isStale(result) ? STALE : result
  })

  for (const form of [resetForm, confirmForm]) {
    within(form, '.cancel', HTMLButtonElement).addEventListener('click', () => { void leave('') })
  }
  // A link that is opened in a tab where the page is already does not load it anew.
  addEventListener('hashchange', open)
  return open()
}

/** Shows what a link is for. Its token leaves the address at once: no history and no bookmark keeps it. */
function open (): boolean {
  const [, kind, found] = /^#(reset_password|verify_email)=(.+)$/.exec(location.hash) ?? []
  if (!kind || !found) return false
  history.replaceState(null, '', location.pathname + location.search)
  token = found
  for (const [each, section] of Object.entries(sections)) section.hidden = each !== kind
  show('from-mail')
  within(sections[kind as Kind], 'input, button', HTMLElement).focus()
  return true
}

const isStale = (failure: Failure) =>
  failure.status === 422 && failure.body.detail.some(({ type }) => type === 'value_error.token')

import type { Failure, Issue, SignupRequest, TaskCreate, TaskQuery } from 'todo-backend-client'
import { once, within } from './page.js'

type Field = HTMLInputElement | HTMLTextAreaElement
type Name = keyof SignupRequest | keyof TaskCreate | keyof TaskQuery

/** What a person writes of a task. */
export type Content = Required<TaskCreate>

const fields = (form: HTMLFormElement): Field[] =>
  [...form.elements].filter((element) => element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)

/** @returns what was typed into the field with this name */
export const typed = (form: HTMLFormElement, name: Name): string => fields(form).find((field) => field.name === name)!.value

/** What was typed of a task, as the API wants it: an empty description, or date, is null. */
export const content = (form: HTMLFormElement): Content =>
  ({ title: typed(form, 'title'), description: typed(form, 'description') || null, due_date: typed(form, 'due_date') || null })

/** Puts a text into the field with this name. */
export function fill (form: HTMLFormElement, name: Name, text: string): void {
  fields(form).find((field) => field.name === name)!.value = text
}

/**
 * Sends a form, once at a time, and shows what was wrong with it.
 * @param send resolves to the failure, if it was one
 */
export function onSubmit (form: HTMLFormElement, send: () => Promise<Failure | undefined>): void {
  const start = once(async () => {
    forget(form)
    try {
      const failure = await send()
      if (failure) show(form, failure)
    } catch (error) {
      tell(form, textOfError(error))
    }
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    start()
  })
}

/** Empties a form, and takes away what was wrong with it. */
export function reset (form: HTMLFormElement): void {
  form.reset()
  forget(form)
}

/** @returns what a person can do about a failure */
export function textOf ({ body: { detail } }: Failure): string {
  if (detail === 'Invalid authentication credentials') return 'Nothing was changed, because you are not logged in.'
  return typeof detail === 'string' ? detail : listed(detail)
}

const listed = (issues: Issue[]) => issues.map(({ loc, msg }) => `${loc.join('.')} ${msg}`).join('; ')

/** @returns the same for what was thrown: `fetch` throws a TypeError when there is no answer */
export const textOfError = (error: unknown) =>
  error instanceof TypeError ? 'The server cannot be reached. Try again in a moment.' : String(error)

function show (form: HTMLFormElement, failure: Failure): void {
  if (failure.status !== 422) return tell(form, textOf(failure))
  const rest = failure.body.detail.filter((issue) => !showBeside(form, issue))
  if (rest.length > 0) tell(form, listed(rest))
  fields(form).find(isWrong)?.focus()
}

const isWrong = (field: Field) => field.hasAttribute('aria-invalid')

/** Shows a broken rule beside its field, the first one only. @returns whether it has a field */
function showBeside (form: HTMLFormElement, { loc: [part, name], msg }: Issue): boolean {
  const field = fields(form).find((each) => part === 'body' && each.name === name)
  if (!field) return false
  if (isWrong(field)) return true
  const text = document.createElement('p')
  text.className = 'wrong'
  text.id = `wrong-${++shown}`
  text.textContent = msg
  // Not inside the label, or it would be a part of the field's name.
  field.closest('label')?.after(text)
  field.setAttribute('aria-invalid', 'true')
  field.setAttribute('aria-describedby', text.id)
  return true
}

/** For ids that are new. */
let shown = 0

function forget (form: HTMLFormElement): void {
  tell(form, '')
  for (const text of form.querySelectorAll('.wrong')) text.remove()
  for (const field of fields(form)) {
    field.removeAttribute('aria-invalid')
    field.removeAttribute('aria-describedby')
  }
}

const tell = (form: HTMLFormElement, text: string) => { within(form, '[role=alert]', HTMLElement).textContent = text }

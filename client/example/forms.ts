import type { components, Failure, Issue, SignupRequest, TaskCreate, TaskQuery } from 'todo-backend-client'
import { once, within } from './page.js'
import { listed, textOf, textOfError } from './texts.js'

type Field = HTMLInputElement | HTMLTextAreaElement
type Name = keyof SignupRequest | keyof TaskCreate | keyof TaskQuery | keyof components['schemas']['PasswordChange']

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
 * @param send resolves to the failure, if it was one, or to a text about it
 */
export function onSubmit (form: HTMLFormElement, send: () => Promise<Failure | string | undefined>): void {
  const start = once(async () => {
    forget(form)
    try {
      const failure = await send()
      if (typeof failure === 'string') tell(form, failure)
      else if (failure) show(form, failure)
    } catch (error) {
      tell(form, textOfError(error))
    }
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    start()
  })
}

/** @returns whether a person has typed something in one of these parts of the page, or is editing something there */
export function hasTyped (...parts: HTMLElement[]): boolean {
  return parts.some((part) => [...part.querySelectorAll('form')].some((form) =>
    form.getAttribute('role') !== 'search' && fields(form).some(({ value, defaultValue }) => value !== defaultValue)))
}

/** Empties a form, and takes away what was wrong with it. */
export function reset (form: HTMLFormElement): void {
  form.reset()
  forget(form)
}

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

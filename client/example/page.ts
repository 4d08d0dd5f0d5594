import { textOfError } from './texts.js'

/** @returns the element of the page with this id, which is of this kind */
export function byId<E extends HTMLElement> (id: string, kind: new () => E): E {
  return expected(document.getElementById(id), kind)
}

/** @returns the first element that fits the selector, which is of this kind */
export function within<E extends HTMLElement> (parent: ParentNode, selector: string, kind: new () => E): E {
  return expected(parent.querySelector(selector), kind)
}

/** @returns a new copy of a template's only element */
export function fromTemplate<E extends HTMLElement> (id: string, kind: new () => E): E {
  return expected(byId(id, HTMLTemplateElement).content.firstElementChild?.cloneNode(true), kind)
}

function expected<E extends HTMLElement> (element: Node | null | undefined, kind: new () => E): E {
  if (!(element instanceof kind)) throw new Error(`The page has no such ${kind.name}`)
  return element
}

const PARTS = ['entrance', 'desk', 'settings', 'from-mail'] as const
/** What the page shows: one of its parts. */
export type Part = typeof PARTS[number]

/** Shows one part of the page, and hides the others. */
export function show (part: Part): void {
  for (const id of PARTS) byId(id, HTMLElement).hidden = id !== part
  byId('account', HTMLElement).hidden = part === 'entrance' || part === 'from-mail'
}

/** Tells what was done; a screen reader says it when it has time. */
export function say (text: string): void {
  byId('status', HTMLElement).textContent = text
  byId('alert', HTMLElement).textContent = ''
}

/** Tells what went wrong; a screen reader says it at once. */
export function complain (text: string): void {
  byId('status', HTMLElement).textContent = ''
  byId('alert', HTMLElement).textContent = text
}

/** @returns what starts the action, unless it is still going on */
export function once (act: () => Promise<void>): () => void {
  let isBusy = false
  return () => {
    if (isBusy) return
    isBusy = true
    say('')
    void act().finally(() => { isBusy = false })
  }
}

/** Does what a person asks a control for, and tells when it went wrong. A checkbox does not change by itself. */
export function onAction (control: HTMLElement, act: () => Promise<void>): void {
  const start = once(async () => act().catch((error: unknown) => { complain(textOfError(error)) }))
  control.addEventListener('click', (event) => {
    event.preventDefault()
    start()
  })
}

import type { Test } from 'tap'
import { teardown } from '../support/teardown.js'

/** Gives the process something that a page has, until the test ends. @param found what whoever looks at it gets, or meets */
export function have (t: Test, name: string, found: () => unknown): void {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)
  Object.defineProperty(globalThis, name, { configurable: true, get: found })
  teardown(t, () => {
    if (before) Object.defineProperty(globalThis, name, before)
    else Reflect.deleteProperty(globalThis, name)
  })
}

/** Gives it the events of a page. @returns where they happen */
export function haveEvents (t: Test): EventTarget {
  const target = new EventTarget()
  have(t, 'addEventListener', () => target.addEventListener.bind(target))
  have(t, 'removeEventListener', () => target.removeEventListener.bind(target))
  return target
}

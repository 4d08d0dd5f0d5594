import root, { type Test } from 'tap'

/** Steps of the file that a suite runs now, the last registered first; undefined where a file runs alone. */
let ofFile: Array<() => unknown> | undefined

/**
 * Registers what is to be done when a test has ended or, with the `t` of a whole file, when the file has: `t.teardown`
 * would wait for the last file of the suite.
 */
export function teardown (t: Test, step: () => unknown): void {
  if (ofFile && t === root) ofFile.unshift(step)
  else t.teardown(step)
}

/** Begins a file of a suite. @returns ends it: does what was registered */
export function beginFile (): (t: Test) => Promise<void> {
  const steps: Array<() => unknown> = ofFile = []
  // Each of them, even after one that fails: what stays open would keep the process waiting instead of telling.
  return async (t) => { for (const step of steps) await t.resolves(async () => { await step() }) }
}

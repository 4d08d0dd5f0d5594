/**
 * @param interval milliseconds
 * @returns a function that says whether a text may be logged now: each text once in an interval
 */
export function throttle (interval: number): (text: string) => boolean {
  const next = new Map<string, number>()
  return (text) => {
    if (Date.now() < (next.get(text) ?? 0)) return false
    next.set(text, Date.now() + interval)
    return true
  }
}

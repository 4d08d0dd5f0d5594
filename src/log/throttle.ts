/**
 * @param interval milliseconds
 * @returns tells for each text whether it may be logged now: once in an interval
 */
export function throttle (interval: number): (text: string) => boolean {
  const next = new Map<string, number>()
  return (text) => {
    if (Date.now() < (next.get(text) ?? 0)) return false
    next.set(text, Date.now() + interval)
    return true
  }
}

/** @returns a day (`2026-12-24`) as people here write it: a day, so that no time zone moves it */
export const byDate = (day: string): string => new Date(`${day}T00:00:00Z`).toLocaleDateString(undefined, { dateStyle: 'medium', timeZone: 'UTC' })

/** @returns whether a day is over where this browser is */
export function isOver (day: string, now = new Date()): boolean {
  const text = (n: number, digits: number) => String(n).padStart(digits, '0')
  return day < `${text(now.getFullYear(), 4)}-${text(now.getMonth() + 1, 2)}-${text(now.getDate(), 2)}`
}

/** @returns a moment as people here write it */
export const byTime = (moment: string): string => new Date(moment).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })

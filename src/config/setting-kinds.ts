import { Type } from '@sinclair/typebox'

/** Where the embedded database and the generated secret live, below the folder that the server is started in. */
export const DATA = '.data'

/** A whole number of days. @param what the rest of its sentence. @param note stands behind that in the table */
export const days = (preset: number, what: string, note?: string) => Type.Integer({
  default: preset, minimum: 1, maximum: 36_500, description: `days that ${what}, 1 to 36500`, ...(note && { 'x-note': note })
})

/** A limit on how often. */
export const perMinute = (preset: number, what: string, note?: string) => Type.Integer({
  default: preset, minimum: 1, maximum: 1_000_000, description: `${what} in a minute, 1 to 1000000`, ...(note && { 'x-note': note })
})

/** One of some words. */
export const oneOf = (values: string[], preset: string, note?: string) => Type.Union(values.map((value) => Type.Literal(value)), {
  default: preset, description: `one of ${values.join(', ')}`, ...(note && { 'x-note': note })
})

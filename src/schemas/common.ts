import { Type, type SchemaOptions, type Static, type TSchema } from '@sinclair/typebox'

/** Smallest and largest number of Unicode code points of a text. */
export interface Length { readonly minLength?: number, readonly maxLength: number }

/**
 * What Unicode calls white space (`\p{White_Space}`): the first and the last code point of each range. Patterns spell it out,
 * because the programs that read them, many of another language, know no property escapes.
 */
export const whiteSpace: ReadonlyArray<readonly [first: number, last: number]> = [
  [0x09, 0x0d], [0x20, 0x20], [0x85, 0x85], [0xa0, 0xa0], [0x1680, 0x1680], [0x2000, 0x200a],
  [0x2028, 0x2029], [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000]
]

/** Ranges as a character class has them, in escapes that expressions with the flag `u` and without it read alike. */
export const classOf = (ranges: typeof whiteSpace): string =>
  ranges.map((range) => range.map((code) => code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`).join('-')).join('')

const hex = (code: number, digits: number) => code.toString(16).toUpperCase().padStart(digits, '0')

/** What is between them, up to U+FFFF. Beyond it there is no white space. */
const visible = [...whiteSpace, [0x10000] as const].map(([first], at) => [(whiteSpace[at - 1]?.[1] ?? 0) + 1, first - 1] as const)

/**
 * Any text, but with U+0000, which PostgreSQL cannot store, and with lone surrogates, which UTF-8 cannot write. The latter are
 * no matter of the pattern: generators of clients read it in UTF-16 units or in code points, and cannot copy half a pair.
 */
export const anyText = { pattern: '^[^\\x00]*$', 'x-well-formed': true } as const

/** The same, and at least one character that is not white space. The lookahead keeps the match linear. */
export const visibleText = {
  ...anyText,
  pattern: `^(?=[\\s\\S]*(?:[${classOf(visible)}]|[^\\x00-\\uFFFF]))[^\\x00]*$`
} as const

/** A UUID in its canonical form, in either case (RFC 9562 §4): no `urn:uuid:`, no braces, never bare digits. */
export const uuidPattern = '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'

/** An id. The format is uuidPattern. */
export const Id = (options: SchemaOptions = {}) => Type.String({ format: 'uuid', ...options })

/** A time: RFC 3339, UTC, milliseconds. */
export const Timestamp = (options: SchemaOptions = {}) =>
  Type.String({ format: 'date-time', examples: ['2026-01-06T10:30:00.000Z'], ...options })

/** A text or null, in JSON Schema's short form, which costs the serializer less than a union. */
export const NullableText = (options: SchemaOptions & { maxLength: number }) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...options })

/** Whether the calendar has the day (RFC 3339 §5.6, `full-date`), in the years that PostgreSQL and RFC 3339 have in common. */
export function isDate (text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text.startsWith('0000')) return false
  const day = new Date(text)
  // Some days that no month has, JavaScript takes for the first ones of the next.
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}

/** A day that the calendar has (RFC 3339 `full-date`, year 0001 to 9999), or null. */
export const NullableDate = (options: SchemaOptions = {}) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date', examples: ['2026-01-09'], ...options })

/** An object that refuses members it does not name. */
export const strict = { additionalProperties: false } as const

/**
 * A registered component by name, plus what the documents say about it where it is used.
 * @returns a schema `{$ref}` whose static type is the component's
 */
export const ref = <T extends TSchema>(component: T, options: SchemaOptions = {}) =>
  Type.Unsafe<Static<T>>(Type.Ref(component.$id as string, options))

/** No query parameters at all: an unknown one is refused by name. */
export const NoQuery = Type.Object({}, strict)

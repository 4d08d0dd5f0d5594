import { Type, type SchemaOptions, type Static, type TSchema } from '@sinclair/typebox'

/** Smallest and largest number of Unicode code points of a text. */
export interface Length { readonly minLength?: number, readonly maxLength: number }

/** No U+0000, which PostgreSQL cannot store, and no lone surrogate, which UTF-8 cannot write. */
export const anyText = '^[^\\u0000\\p{Cs}]*$'

/** The same, and at least one character that is not white space. The lookahead keeps the match linear. */
export const visibleText = '^(?=[\\s\\S]*\\P{White_Space})[^\\u0000\\p{Cs}]*$'

/** A UUID in its canonical form, in either case (RFC 9562 §4): no `urn:uuid:`, no braces, never bare digits. */
export const uuidPattern = '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'

/** An id. The format is uuidPattern. */
export const Id = (options: SchemaOptions = {}) => Type.String({ format: 'uuid', ...options })

/** A time: RFC 3339, UTC, milliseconds. */
export const Timestamp = (options: SchemaOptions = {}) =>
  Type.String({ format: 'date-time', examples: ['2026-01-06T10:30:00.000Z'], ...options })

/** A text or null, in JSON Schema's short form, which costs the serializer less than a union. */
export const NullableText = (options: SchemaOptions & { maxLength: number, pattern: string }) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...options })

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

import { classOf, whiteSpace } from '../schemas/common.js'

/** A dot-atom of at most 64 characters (RFC 5322 §3.2.3) at a domain of two or more labels (RFC 1123 §2.1). */
export const EMAIL = /^(?=[^@]{1,64}@)[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

const WHITE_SPACE = new RegExp(`[${classOf(whiteSpace)}]`)

/** Trims what Unicode calls white space, in linear time, which a regular expression for the end would not be. */
function trim (text: string): string {
  let start = 0
  let end = text.length
  while (start < end && WHITE_SPACE.test(text[start]!)) start++
  while (end > start && WHITE_SPACE.test(text[end - 1]!)) end--
  return text.slice(start, end)
}

/** An email as it is compared. ASCII only: toLowerCase would make an ASCII letter of U+212A, the Kelvin sign. */
export const normalizedEmail = (text: string): string => trim(text).replace(/[A-Z]/g, (letter) => letter.toLowerCase())

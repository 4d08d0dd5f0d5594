import t from 'tap'
import { anyText, classOf, visibleText, whiteSpace } from '../../src/schemas/common.js'
import { components } from '../../src/schemas/index.js'

/** Programs read a pattern in code points, and some, without the flag `u`, in UTF-16 units. */
const readers = ['u', ''].map((flags) => ({
  flags,
  white: new RegExp(`^[${classOf(whiteSpace)}]$`, flags),
  any: new RegExp(anyText.pattern, flags),
  visible: new RegExp(visibleText.pattern, flags)
}))

t.test('white space is what Unicode calls so, whoever reads the patterns', async (t) => {
  const property = /^\p{White_Space}$/u
  for (const { flags, white, any, visible } of readers) {
    const wrong = []
    for (let code = 0; code <= 0x10ffff; code++) {
      const char = String.fromCodePoint(code)
      const isWhite = property.test(char)
      const isText = code > 0
      const isRight = white.test(char) === isWhite && any.test(char) === isText && visible.test(char) === (isText && !isWhite)
      const isRightInside = ['x', ' ', '\u2028'].every((other) => [char + other, other + char].every((text) =>
        any.test(text) === isText && visible.test(text) === (isText && (other === 'x' || !isWhite))))
      if (!isRight || !isRightInside) wrong.push(code.toString(16))
    }
    t.strictSame(wrong, [], `flags "${flags}"`)
  }
})

t.test('a lone surrogate is what Unicode calls one', async (t) => {
  const property = /\p{Cs}/u
  for (let code = 0; code <= 0xffff; code++) {
    const char = String.fromCharCode(code)
    if (char.isWellFormed() === property.test(char)) t.fail(code.toString(16))
  }
  for (const text of ['😀', 'a\ud83d', '\ude00\ud83d', '\ud83d\ud83d\ude00']) t.equal(text.isWellFormed(), !property.test(text))
})

t.test('a pattern takes time in proportion to the text, also to one that it refuses', async (t) => {
  const time = (pattern: RegExp, text: string) => Math.min(...Array.from({ length: 7 }, () => {
    const started = performance.now()
    pattern.test(text)
    return performance.now() - started
  }))
  for (const { any, visible } of readers) {
    for (const pattern of [any, visible]) {
      for (const [unit, end] of [[' ', ''], ['x', '\0'], ['😀', '\0'], [' x', '\0'], ['\u3000', '\0']] as const) {
        const [short, long] = [2000, 32_000].map((length) => time(pattern, unit.repeat(length) + end))
        // Sixteen times the text; in quadratic time it would be 256 times as long.
        t.ok(long! < Math.max(short! * 80, 2), `${pattern.source} ${JSON.stringify(unit)}: ${short} ms, then ${long} ms`)
      }
    }
  }
})

t.test('no pattern has what programs of other languages stop at', async (t) => {
  const patterns = [...JSON.stringify(components).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(([, text]) => JSON.parse(text!) as string)
  t.ok(patterns.length > 5)
  for (const pattern of patterns) {
    t.notMatch(pattern, /\\p\{|\\u\{/i, 'a property, or a code point in braces')
    t.notMatch(pattern, /\\uD[89A-F]/i, 'half a pair, which a generator cannot write into a file')
    t.notMatch(pattern, /\\u202[89]/, 'a line separator, which ends a literal when it is written as itself')
  }
})

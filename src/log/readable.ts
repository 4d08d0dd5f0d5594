/** What a line of the log says of a request. */
interface RequestLine { method: string, path: string, status: number, ms: number, aborted?: boolean }

/** Control characters, which a terminal would obey: a path may have those beyond ASCII. Lines and tabs of a stack stay. */
const CONTROLS = /[^\P{Cc}\n\t]/gu

/** Members of every line that nobody needs in a terminal. */
const NOISE = 'pid,hostname'

/**
 * The log for a person in front of a terminal, loaded only there: one short line a request, the stack of an error.
 * @param colorize whether the terminal has colours
 * @returns what makes a line of JSON readable; other text stays as it is
 */
export async function readable (colorize: boolean): Promise<(line: string) => string> {
  const { default: { prettyFactory } } = await import('pino-pretty')
  const common = { colorize, translateTime: 'HH:MM:ss', ignore: NOISE, singleLine: true }
  const request = prettyFactory({
    ...common,
    hideObject: true,
    messageFormat (line, _key, _level, { colors }) {
      // Only lines of requests come here; the types of pino-pretty know no line in particular.
      const { method, path, status, ms, aborted } = line as unknown as RequestLine
      const color = status >= 500 ? colors.red : status >= 400 ? colors.yellow : colors.green
      return `${method} ${path} ${color(String(status))} ${ms} ms${aborted ? ' (client has gone)' : ''}`
    }
  })
  const other = prettyFactory(common)
  return (line) => {
    const facts = harmless(line)
    // Where the object is hidden, so is the end of the line.
    return facts ? `${(facts.msg === 'request' ? request : other)(facts).trimEnd()}\n` : line
  }
}

/** The object of a line; null when it is not JSON. */
function harmless (line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line, (_name, value: unknown) => typeof value === 'string' ? value.replaceAll(CONTROLS, '\u{FFFD}') : value) as Record<string, unknown>
  } catch {
    return null
  }
}

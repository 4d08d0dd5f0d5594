/** A line of the log: what every line has, and whatever else it says. */
export interface LogLine extends Record<string, unknown> { level: number, msg: string, reqId?: string }

/** A log that is kept instead of printed: the `output` of an application whose LOG_LEVEL is not `silent`. */
export interface KeptLog {
  /** The text as it would go out. */
  chunks: string[]
  lines: () => LogLine[]
  write: (chunk: string) => void
}

export function keepLog (): KeptLog {
  const chunks: string[] = []
  return {
    chunks,
    lines: () => chunks.join('').trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line) as LogLine),
    write (chunk) { chunks.push(chunk) }
  }
}

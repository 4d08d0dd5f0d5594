import type { FastifyInstance } from 'fastify'

/** A line of the log: what every line has, and whatever else it says. */
export interface LogLine extends Record<string, unknown> { level: number, msg: string, reqId?: string }

/**
 * Keeps an application's log instead of printing it.
 * @param app its LOG_LEVEL is not `silent`
 * @returns the text as it would go out, chunk by chunk, and the lines in it
 */
export function keepLog (app: FastifyInstance): { chunks: string[], lines: () => LogLine[] } {
  const chunks: string[] = []
  // The logger keeps its destination under a symbol, which its child loggers inherit.
  const logger = app.log as unknown as Record<symbol, { write: (chunk: string) => void }>
  const destination = Object.getOwnPropertySymbols(logger).find(({ description }) => description === 'pino.stream')
  logger[destination!]!.write = (chunk) => { chunks.push(chunk) }
  return {
    chunks,
    lines: () => chunks.join('').trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line) as LogLine)
  }
}

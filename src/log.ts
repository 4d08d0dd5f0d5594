import pino from 'pino'

/** Characters that are written at once, some twenty lines: a write for each line is 7% of a read. */
const CHUNK = 4096

/** Milliseconds that a line waits at most. */
const DELAY = 100

/** Standard output for the log. Nothing is lost when the process ends, also by an error that nobody has caught. */
export function logOutput (): pino.DestinationStream {
  const output = pino.destination({ dest: 1, minLength: CHUNK, periodicFlush: DELAY, sync: true })
  process.on('exit', output.flushSync.bind(output))
  return output
}

import { writeSync } from 'node:fs'
import { hostname } from 'node:os'
import type { DestinationStream } from 'pino'

/** Characters that are written at once, some twenty lines: a write for each line is 7% of a read. */
const CHUNK = 4096

/** Milliseconds that a line waits at most, and between two tries when nothing can be written. */
const DELAY = 100

/** Bytes that are kept while nothing can be written, some 4,000 lines. Later lines are lost, and counted. */
const KEPT = 1024 * 1024

/** Milliseconds that the end of the process waits for a reader that stalls. */
const PATIENCE = 1000

const STDOUT = 1

/**
 * Standard output for the log. Nothing is lost when the process ends, also by an error that nobody has caught.
 * Whatever becomes of what reads it, nobody waits and nothing fails: lines are kept, then lost, and a line tells how many as
 * soon as there is room again. A terminal alone is waited for.
 */
export function logOutput (): DestinationStream {
  /** Lines that are to be written, and what is left of a chunk of which the system has taken a part, or nothing. */
  let lines = ''
  let rest = Buffer.alloc(0)
  let lost = 0
  let isStuck = false
  let timer: NodeJS.Timeout | undefined

  /** @returns whether it is worth trying again soon: a pipe was full, and its reader may only be slow */
  function flush (): boolean {
    clearTimeout(timer)
    timer = undefined
    try {
      isStuck = true
      while (rest.length > 0 || more()) rest = rest.subarray(writeSync(STDOUT, rest))
      isStuck = false
      return false
    } catch (error) {
      // Nobody reads any more (EPIPE), the disk is full (ENOSPC), …: that may be better the next time, too.
      later()
      return (error as NodeJS.ErrnoException).code === 'EAGAIN'
    }
  }

  /** Whether there is another chunk. What was lost is told behind the lines that were kept. */
  function more (): boolean {
    if (lines === '' && lost > 0) {
      lines = `${JSON.stringify({ level: 40, time: Date.now(), pid: process.pid, hostname: hostname(), lost, msg: 'log lines lost' })}\n`
      lost = 0
    }
    rest = Buffer.from(lines)
    lines = ''
    return rest.length > 0
  }

  function later (): void {
    timer ??= setTimeout(flush, DELAY).unref()
  }

  // As soon as Node knows it, a pipe that is full refuses instead of stopping the process. And the banner goes there, too.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

  process.on('exit', () => {
    const end = Date.now() + PATIENCE
    while (flush() && Date.now() < end) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  })

  return {
    write (line) {
      if (rest.length + lines.length > KEPT || lost > 0) lost++
      else lines += line
      if (lines.length >= CHUNK && !isStuck) flush()
      else later()
    }
  }
}

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
 * Standard output for the log. Nothing is lost when the process ends, even by an uncaught error. When the reader stalls or is
 * gone, requests neither wait nor fail: lines are kept, then dropped, and a line says how many as soon as there is room again.
 * Only a terminal is waited for.
 * @param shown what a line looks like there; as it is, when absent
 */
export function logOutput (shown: (line: string) => string = (line) => line): DestinationStream {
  /** Lines to be written, and the rest of a chunk that the system has accepted only in part. */
  let lines = ''
  let rest = Buffer.alloc(0)
  let lost = 0
  let isStuck = false
  let timer: NodeJS.Timeout | undefined

  /** @returns whether to try again soon: a pipe is full, and its reader may only be slow */
  function flush (): boolean {
    clearTimeout(timer)
    timer = undefined
    try {
      isStuck = true
      while (rest.length > 0 || more()) rest = rest.subarray(writeSync(STDOUT, rest))
      isStuck = false
      return false
    } catch (error) {
      // The reader is gone (EPIPE), the disk is full (ENOSPC), …: a later attempt may succeed.
      later()
      return (error as NodeJS.ErrnoException).code === 'EAGAIN'
    }
  }

  /** Whether there is another chunk. The number of dropped lines is written after the lines that were kept. */
  function more (): boolean {
    if (lines === '' && lost > 0) {
      lines = shown(`${JSON.stringify({ level: 40, time: Date.now(), pid: process.pid, hostname: hostname(), lost, msg: 'log lines lost' })}\n`)
      lost = 0
    }
    rest = Buffer.from(lines)
    lines = ''
    return rest.length > 0
  }

  function later (): void {
    timer ??= setTimeout(flush, DELAY).unref()
  }

  // Once Node has opened it, a full pipe returns an error instead of blocking the process. The banner is written there, too.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

  process.on('exit', () => {
    const end = Date.now() + PATIENCE
    while (flush() && Date.now() < end) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  })

  return {
    write (line) {
      if (rest.length + lines.length > KEPT || lost > 0) lost++
      else lines += shown(line)
      if (lines.length >= CHUNK && !isStuck) flush()
      else later()
    }
  }
}

import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** What came of a stream: events, and the milliseconds after which to come again, if it said so. */
export interface Read { events: EventSourceMessage[], retry: number | undefined }

/** Characters of an event at most: a task has some 20,000 at most. */
const LARGEST = 1_000_000

/**
 * Reads a stream of events (HTML Standard, section 9.2), as fast as it is asked for more.
 * @returns what came with each chunk, which may be nothing but a sign of life
 * @throws what reading throws; an Error for what is no such stream
 */
export async function * eventsOf (body: ReadableStream<Uint8Array>): AsyncGenerator<Read, void, undefined> {
  let read: Read = { events: [], retry: undefined }
  const parser = createParser({
    maxBufferSize: LARGEST,
    onEvent (event) { read.events.push(event) },
    onRetry (milliseconds) { read.retry = milliseconds }
  })
  // It keeps the first half of a character that was cut until the other one comes, and drops a byte order mark at the beginning.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: false })
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      parser.feed(decoder.decode(value, { stream: true }))
      yield read
      read = { events: [], retry: undefined }
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

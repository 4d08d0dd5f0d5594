import { Readable } from 'node:stream'

/** Bytes that wait for a reader when it is told no more for now. One page more and what the socket keeps are less than 1 MiB. */
const FULL = 128 * 1024

/** Milliseconds within which a reader takes something of what waits. */
const PATIENCE = 20_000

/**
 * The body of a stream of events (HTML Standard, section 9.2). Written by hand: @fastify/sse and better-sse write to the bare
 * response, past Fastify's hooks, and neither bounds what a slow reader costs.
 */
export class EventStream extends Readable {
  /** When the reader took something last, or could have begun to. */
  private takenAt: number
  private hasFinished = false

  /**
   * @param onTaken called when the reader has taken what there was
   * @param now the clock, in milliseconds
   */
  constructor (private readonly onTaken: () => void, private readonly now: () => number) {
    super({ highWaterMark: FULL })
    this.takenAt = now()
  }

  override _read (): void {
    this.takenAt = this.now()
    this.onTaken()
  }

  /** Whether the reader has to take something before it is told more. */
  get isFull (): boolean { return this.readableLength >= FULL }

  /** Whether it has taken nothing for long of what waits for it. */
  get isDeaf (): boolean { return (this.isFull || this.hasFinished) && this.now() > this.takenAt + PATIENCE }

  /** @param text of one event or several */
  tell (text: string | Buffer): void {
    if (!this.destroyed && !this.hasFinished) this.push(text)
  }

  /** The last event, and the end. */
  finish (text: string): void {
    if (this.hasFinished) return
    this.tell(text)
    this.push(null)
    this.hasFinished = true
    this.takenAt = this.now()
  }
}

/** @returns the text of an event. JSON has no line end */
export const eventOf = (event: string, data: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** Keeps what is between from closing the connection. */
export const COMMENT = ':\n\n'

/** The last event of somebody whose token, session or account has ended. */
export const UNAUTHENTICATED = eventOf('unauthenticated', {})

/** @returns when to come again, in milliseconds: not all at the same moment */
export const retryText = (): string => `retry: ${1000 + Math.floor(Math.random() * 4000)}\n\n`

/** What happens here and there, and is counted. Times are in seconds. */
export interface Meters {
  /** A request has ended. @param route its pattern @param status of the answer */
  request: (method: string, route: string, status: string, seconds: number) => void
  /** A statement of this name has ended. @param error the kind of its failure; empty when there is none */
  statement: (name: string, error: string, seconds: number) => void
  /** The limit of this name has refused a request, or a mail. */
  refused: (limit: string) => void
  /** A request was answered 503. @param reason what is missing, or the queue that is full */
  shed: (reason: string) => void
  /** Those who listen were told of a change. @param seconds since it was made */
  told: (seconds: number) => void
  /** A mail has gone out, or was given up. */
  mailed: (outcome: 'sent' | 'failed') => void
}

const nothing = () => {}

/** Where nobody asks, nothing is counted. */
export const NO_METERS: Meters = {
  request: nothing, statement: nothing, refused: nothing, shed: nothing, told: nothing, mailed: nothing
}

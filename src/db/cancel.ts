import type { Duplex } from 'node:stream'

/** PostgreSQL documentation, "Message Formats": CancelRequest. */
const LENGTH = 16
const CANCEL_REQUEST = 80_877_102

/** What identifies a session to its server or pooler. */
export interface Backend { pid: number, secret: number }

/**
 * Ends what a session does, as statement_timeout would where it can be set. The driver's own `cancel` leaves a rejected promise
 * to nobody, which ends the process, when the server cannot be reached.
 * @param connect opens a connection to it
 * @param timeout milliseconds until a request that nobody takes is given up
 * @returns sends the request; there is no answer, and an idle session is not affected
 */
export function cancelling (connect: () => Promise<Duplex>, timeout: number): (backend: Backend) => Promise<void> {
  return async ({ pid, secret }) => {
    const request = Buffer.alloc(LENGTH)
    for (const [index, value] of [LENGTH, CANCEL_REQUEST, pid, secret].entries()) request.writeUInt32BE(value, index * 4)
    const socket = await connect()
    const timer = setTimeout(() => { socket.destroy() }, timeout)
    // The server closes the connection. A client that closes first may be taken for one that has withdrawn its request.
    socket.on('error', () => {}).on('close', () => { clearTimeout(timer) }).resume().write(request)
  }
}

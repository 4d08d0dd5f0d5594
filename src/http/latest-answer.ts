import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The latest answer on each connection whose turn has come. */
const answers = new WeakMap<Socket, ServerResponse>()

/** @returns the answer that a connection is at; undefined before its first one */
export const answerOn = (socket: Socket): ServerResponse | undefined => answers.get(socket)

/** From now on a connection is at this answer. */
export const beginAnswer = (socket: Socket, response: ServerResponse): void => { answers.set(socket, response) }

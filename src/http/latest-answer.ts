import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** On the connection itself: a WeakMap with an entry for each is work for each collection of garbage. */
const LATEST = Symbol('the latest answer on the connection whose turn has come')

type Answering = Socket & { [LATEST]?: ServerResponse }

/** @returns the answer that a connection is at; undefined before its first one */
export const answerOn = (socket: Answering): ServerResponse | undefined => socket[LATEST]

/** From now on a connection is at this answer. */
export const beginAnswer = (socket: Answering, response: ServerResponse): void => { socket[LATEST] = response }

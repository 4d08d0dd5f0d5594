import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Stored on the connection itself: a WeakMap with an entry for each would slow down garbage collection. */
const LATEST = Symbol('the latest answer on the connection whose turn has come')

type Answering = Socket & { [LATEST]?: ServerResponse }

/** @returns the response whose turn it is on a connection; undefined before the first */
export const answerOn = (socket: Answering): ServerResponse | undefined => socket[LATEST]

/** Records the response whose turn it is on a connection. */
export const beginAnswer = (socket: Answering, response: ServerResponse): void => { socket[LATEST] = response }

/** Stored on the response: whether it may be silent for long. */
const SILENT = Symbol('whether the answer may rest')

type MaybeSilent = ServerResponse & { [SILENT]?: boolean }

/** Marks a response that may be silent for long, such as a stream of events: its connection is not closed for that. */
export const allowSilence = (response: MaybeSilent, may: boolean): void => { response[SILENT] = may }

/** @returns whether it is marked so */
export const mayBeSilent = (response: MaybeSilent): boolean => response[SILENT] === true

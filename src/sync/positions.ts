import type { Change } from '../repositories/owned-changes.js'

/** The place of a task in the order of creation: the time in milliseconds since 1970, and the id. */
export interface Place { time: number, id: string }

/**
 * A position in the changes of an owner: the last change that the client has seen and, during the first walk through the existing
 * tasks, the last task of that walk.
 */
export interface Position { owner: string, seen: Change, walked?: Place | undefined }

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const TEXT = new RegExp(`^(${UUID})_(\\d{1,15})_(\\d{1,14})(?:_(\\d{1,14})_(${UUID}))?$`)

/** @returns an opaque text for a client */
export function tokenOf ({ owner, seen, walked }: Position): string {
  const parts = [owner.toLowerCase(), seen.revision, seen.time, ...(walked ? [walked.time, walked.id] : [])]
  return Buffer.from(parts.join('_')).toString('base64url')
}

/** @returns the position of such a text; null for any other text and for a position of another owner */
export function positionOf (token: string, owner: string): Position | null {
  const [, of, revision, time, createdAt, id] = TEXT.exec(Buffer.from(token, 'base64url').toString('latin1')) ?? []
  if (of !== owner.toLowerCase()) return null
  const position: Position = {
    owner: of,
    seen: { revision: Number(revision), time: Number(time) },
    walked: id === undefined ? undefined : { time: Number(createdAt), id }
  }
  // Only the canonical spelling is accepted.
  return tokenOf(position) === token ? position : null
}

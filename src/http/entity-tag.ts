/*
 * Entity tags (RFC 9110 §8.8.3). A task's is `"CHANGE.SHAPE"`: CHANGE names the state that is stored, by the number of its newest
 * change and the time of that, so that a state which a restored backup has undone is never taken for another one that got its
 * number later. SHAPE names the way it is shown.
 */

/** Change it whenever a task is represented differently, for example with a new member: cached copies are out of date then. */
export const SHAPE = '1'

/** A state of a task or a list: the number of its newest change, and the time of that, in milliseconds since 1970. */
interface State { revision: number, time: number }

/** The part of a tag that names a state, as `changeOf` writes it and in no other spelling. */
const CHANGE = /^(0|[1-9]\d{0,14})-(0|[1-9]\d{0,14})\./

/** One element of a list of tags, weak or strong, or an empty one, which counts for nothing (RFC 9110 §5.6.1.2). */
const ELEMENT = /[ \t]*(?:(?:W\/)?"([!\x23-\x7E\x80-\xFF]*)"[ \t]*)?(?:,|$)/y

/** @returns the tag of a state */
export const tagOf = ({ revision, time }: State): string => `"${revision}-${time}.${SHAPE}"`

/**
 * The tag of a page of a list. It changes with any change of the owner's tasks. The owner is in it, so that no two users ever
 * share a tag: a browser has one cache for all accounts, and would show one user the other's list.
 */
export const listTagOf = ({ owner, revision, time }: State & { owner: string }): string => `"${owner}.${revision}-${time}.${SHAPE}"`

/**
 * What an If-Match allows (RFC 9110 §13.1.1). SHAPE is ignored, since the client has seen the same state; so is
 * a weak tag's `W/`, which proxies add when they compress.
 * @param header its value; Node joins several of them with commas
 * @returns the states, none for a value that is not a list of tags; undefined when any state will do
 */
export function statesOf (header: string | undefined): State[] | undefined {
  if (header === undefined || header === '*') return undefined
  return tagsIn(header).flatMap((tag) => {
    const [, revision, time] = CHANGE.exec(tag) ?? []
    return revision ? [{ revision: Number(revision), time: Number(time) }] : []
  })
}

/**
 * Whether the client already has the state of a tag, by its If-None-Match (RFC 9110 §13.1.2).
 * @param header its value; one that is not a list of tags matches nothing
 */
export const isKnown = (header: string | undefined, tag: string): boolean =>
  header !== undefined && (header === '*' || tagsIn(header).includes(tag.slice(1, -1)))

/** @returns what is between the quotes of each tag of a list; nothing when one of them is malformed */
function tagsIn (list: string): string[] {
  const tags: string[] = []
  ELEMENT.lastIndex = 0
  while (ELEMENT.lastIndex < list.length) {
    const found = ELEMENT.exec(list)
    if (!found) return []
    if (found[1] !== undefined) tags.push(found[1])
  }
  return tags
}

/** @returns what makes a thing when it is asked for the first time, and returns that one from then on */
export function once<Thing> (make: () => Thing): () => Thing {
  let made: Thing | undefined
  return () => {
    made ??= make()
    return made
  }
}

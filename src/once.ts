/** @returns a function that makes a value on its first call and returns the same one on every later call */
export function once<Thing> (make: () => Thing): () => Thing {
  let made: Thing | undefined
  return () => {
    made ??= make()
    return made
  }
}

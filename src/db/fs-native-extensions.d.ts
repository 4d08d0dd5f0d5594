declare module 'fs-native-extensions' {
  const extensions: {
    /** Takes an exclusive lock on an open file, without waiting. @returns whether it is ours now */
    tryLock: (fd: number) => boolean
  }
  export default extensions
}
